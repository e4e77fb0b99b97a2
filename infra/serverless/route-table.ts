import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { FunctionEvent } from "./framework.ts";

/** A function of `serverless.yml`, whatever starts it. */
export interface FunctionSource {
  /** The function's name in `serverless.yml`. */
  name: string;
  /** The handler's file without its ending, and the name it is exported under. */
  file: string;
  exported: string;
}

/** One line of the route table; the method `*` is what no other line takes. */
export interface Route extends FunctionSource {
  method: string;
  path: string;
}

interface ServerlessFile {
  functions: Record<string, { handler: string; events?: FunctionEvent[] }>;
}

const { functions } = parse(
  readFileSync(new URL("../../serverless.yml", import.meta.url), "utf8"),
) as ServerlessFile;

/** The functions of `serverless.yml`, also those that no route leads to. */
export const functionSources: FunctionSource[] = Object.entries(functions).map(([name, { handler }]) =>
  sourceOf(name, handler),
);

/** The names of the functions in `serverless.yml`. */
export const functionNames = Object.keys(functions);

/** The handlers of the functions, one for each. */
export const functionHandlers = Object.values(functions).map(({ handler }) => handler);

/** The route table of `serverless.yml`. */
export const routes: Route[] = Object.entries(functions).flatMap(([name, { handler, events = [] }]) =>
  routesOf(events).map((route) => {
    const [method = "", path = ""] = route.split(" ");
    return { ...sourceOf(name, handler), method, path };
  }),
);

/** The routes among a function's events, as `GET /health`; `*` is everything else. */
export function routesOf(events: FunctionEvent[]): string[] {
  return events.flatMap((event) => ("httpApi" in event ? [event.httpApi] : []));
}

/**
 * Routes as the environment variable `ROUTES` holds them, each path once: `GET,HEAD /health;POST /v1/…`.
 * @param events routes as events have them: `GET /health`; the one for everything else is left out
 */
export function routesVariable(events: string[]): string {
  const methods = new Map<string, string[]>();
  for (const event of events.filter((route) => route !== "*")) {
    const [method = "", path = ""] = event.split(" ");
    methods.set(path, [...(methods.get(path) ?? []), method]);
  }
  return [...methods].map(([path, of]) => `${of.join(",")} ${path}`).join(";");
}

function sourceOf(name: string, handler: string): FunctionSource {
  const [file = "", exported = ""] = handler.split(".");
  return { name, file, exported };
}
