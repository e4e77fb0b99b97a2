import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { EndpointSpec } from "../../lib/http/spec.ts";
import { type Route, routes } from "../serverless/route-table.ts";
import type { OperationNotes } from "./operation-notes.ts";

/** A resource of the API: a folder of `functions/`. */
export interface Tag {
  name: string;
  description: string;
}

/** A line of the route table with its spec, its comment and its notes. */
export interface Endpoint {
  operationId: string;
  method: string;
  path: string;
  spec: EndpointSpec;
  /** The comment at the handler: its first sentence, and the rest. */
  summary: string;
  description: string;
  tag: Tag;
  notes: OperationNotes;
}

const ROOT = new URL("../../", import.meta.url);

/** The comment at an endpoint's handler, which begins with its routes: "`GET /health`: that functions run." */
const COMMENT = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const handler\b/;

/**
 * Reads the endpoints of the route table: their specs, their comments, and the notes of `operations/`, which has a file
 * for each folder of `functions/`.
 * @throws Error that names the file where one of these is missing
 */
export async function readEndpoints(): Promise<Endpoint[]> {
  return Promise.all(routes.filter(({ method }) => method !== "*").map(readEndpoint));
}

async function readEndpoint(route: Route): Promise<Endpoint> {
  const { name, method, path, file, exported } = route;
  const { tag, operations } = await load<{ tag: Tag; operations: Record<string, OperationNotes> }>(
    notesOf(file),
  );
  const { [exported]: handler } = await load<Record<string, { spec: EndpointSpec }>>(`${file}.ts`);
  const notes = operations[name];
  if (!handler || !notes) throw new Error(`${file}.ts or ${notesOf(file)} has no ${name}.`);
  const words = wordsOf(file, await readFile(new URL(`${file}.ts`, ROOT), "utf8"));
  return { operationId: operationId(route), method, path, spec: handler.spec, ...words, tag, notes };
}

/** The file with the notes on the endpoints of a handler's folder. */
function notesOf(file: string): string {
  return `infra/openapi/operations/${basename(dirname(file))}.ts`;
}

/** The function's name; of its other routes, the name and what tells the route from the first one. */
function operationId({ name, method, path }: Route): string {
  const [first] = routes.filter((route) => route.name === name);
  const ofPath = path === first?.path ? "" : `Of${capital(path.split("/").at(-1) ?? "")}`;
  if (method === "HEAD") return `${name}${ofPath}Headers`;
  return method === first?.method ? `${name}${ofPath}` : `${name}${ofPath}By${capital(method.toLowerCase())}`;
}

function wordsOf(file: string, source: string): { summary: string; description: string } {
  const comment = COMMENT.exec(source)?.[1]
    ?.replace(/\s*\n \* ?/g, "\n")
    .trim();
  const [, words] = /^`[^:]+`(?:.*?`)?: ([\s\S]+)$/.exec(comment ?? "") ?? [];
  if (!words)
    throw new Error(`${file}.ts: the comment at its handler does not begin with its route and a colon.`);
  const [first = "", ...rest] = words.split(/(?<=\.)\s/);
  const summary = capital(first.replaceAll("\n", " ").replace(/\.$/, ""));
  return { summary, description: rest.join(" ").replaceAll("\n", " ") };
}

function load<Module>(file: string): Promise<Module> {
  return import(new URL(file, ROOT).href);
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
