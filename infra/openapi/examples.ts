import { createHash } from "node:crypto";
import { EXAMPLE_CONFIG_ID, EXAMPLE_PROJECT } from "../local/example.ts";
import { startService, stopService } from "../local/service.ts";
import { signToken } from "../local/signing-key.ts";
import type { Endpoint } from "./endpoints.ts";
import type { ExampleCall, ExampleWorld } from "./operation-notes.ts";

/** A real request and its answer for each operation, by its `operationId`. */
export type Examples = Record<string, { request: ExampleCall; response: unknown }>;

const SERVER = "web-1";

/** The service's address, and the signed part of a signed link, in the examples. */
const ADDRESS = "https://deployments.example.com";
const SIGNED = "eyJhbGxvd3MiOiJjb2xsZWN0In0.c2lnbmF0dXJl";

/** The times that stand in the examples, by the fields that hold them. */
const TIMES: Record<string, string> = {
  creation_time: "2026-11-24T11:59:43Z",
  time: "2026-11-24T11:59:43Z",
  collected_time: "2026-11-24T12:00:10Z",
  updated_time: "2026-11-24T12:00:12Z",
  expires_time: "2027-02-22T11:59:43Z",
};

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** The parts of answers that lead from one request to the next. */
interface Answer {
  software_config: { id: string };
  software_deployment: { id: string };
  metadata_url: string;
  deployments: { inputs: { name: string; value: string }[] }[];
}

/**
 * Makes each endpoint's example request of the service itself, which is started for it, and takes what it answers.
 * Ids, times, the service's address and signed links are replaced, so that equal sources give equal examples.
 * @throws Error where a request is not answered as it should be
 */
export async function recordExamples(endpoints: Endpoint[]): Promise<Examples> {
  const service = await startService({ AWS_ENDPOINT_URL_DYNAMODB: "" });
  try {
    const examples: Examples = {};
    // One after the other, each in a project of its own: what one makes, no other sees.
    for (const endpoint of endpoints.filter(({ method, notes }) => method !== "HEAD" && notes.example))
      examples[endpoint.operationId] = await record(service.url, endpoint, endpoints);
    return examples;
  } finally {
    await stopService(service);
  }
}

async function record(url: string, endpoint: Endpoint, all: Endpoint[]): Promise<Examples[string]> {
  const project_id = `example-${endpoint.operationId}`;
  const token = await signToken(project_id, ["member"], 3_600);
  const world = await worldOf(url, project_id, token, all);
  const request = requestOf(endpoint, world);
  const response = await call(url, token, endpoint, request);
  return alwaysEqual({ request, response }, url, world);
}

/** A project in which a server has collected a deployment, whose result is awaited: all made by other examples. */
async function worldOf(
  url: string,
  project_id: string,
  token: string,
  all: Endpoint[],
): Promise<ExampleWorld> {
  const ids = { config_id: "", unused_config_id: "", deployment_id: "", collect: "", signal: "" };
  const world: ExampleWorld = { project_id, server_id: SERVER, ...ids };
  const make = async (name: string): Promise<Answer> => {
    const endpoint = all.find(({ operationId }) => operationId === name) as Endpoint;
    return (await call(url, token, endpoint, requestOf(endpoint, world))) as Answer;
  };
  world.unused_config_id = (await make("createSoftwareConfig")).software_config.id;
  world.config_id = (await make("createSoftwareConfig")).software_config.id;
  world.deployment_id = (await make("createSoftwareDeployment")).software_deployment.id;
  world.collect = (await make("createServerLink")).metadata_url;
  const [collected] = (await make("collectServerMetadata")).deployments;
  world.signal = collected?.inputs.find(({ name }) => name === "deploy_signal_id")?.value ?? "";
  return world;
}

function requestOf({ notes }: Endpoint, world: ExampleWorld): ExampleCall {
  return notes.example?.(world) ?? {};
}

/** @returns the answer's JSON; undefined for an answer that is none */
async function call(
  url: string,
  token: string,
  { method, path }: Endpoint,
  request: ExampleCall,
): Promise<unknown> {
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(request.path?.[name] ?? ""),
  );
  const query = new URLSearchParams(request.query).toString();
  const response = await fetch(`${url}${address}${query && `?${query}`}`, {
    method,
    headers: { "x-auth-token": token },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    redirect: "manual",
  });
  const text = await response.text();
  if (response.status >= 400) throw new Error(`${method} ${address}: ${response.status} ${text}`);
  const isJson = response.headers.get("content-type")?.includes("json");
  return text && isJson ? JSON.parse(text) : undefined;
}

/** An example without what differs from run to run. Its configuration has the id of the one in a local service. */
function alwaysEqual<Value>(value: Value, url: string, { project_id, config_id }: ExampleWorld): Value {
  const ids = [config_id];
  const text = JSON.stringify(value, (name, member) => (typeof member === "string" && TIMES[name]) || member)
    .replaceAll(url, ADDRESS)
    .replaceAll(project_id, EXAMPLE_PROJECT)
    .replace(/[\w-]{40,}\.[\w-]{20,}/g, SIGNED)
    .replace(UUID, (id) => {
      if (!ids.includes(id)) ids.push(id);
      return fixedId(ids.indexOf(id));
    });
  return JSON.parse(text) as Value;
}

/** A UUID of version 7, another one for each number; for 0 the configuration's. */
function fixedId(number: number): string {
  if (number === 0) return EXAMPLE_CONFIG_ID;
  const digits = createHash("sha256").update(String(number)).digest("hex");
  return `01a20d6d-172e-7${digits.slice(0, 3)}-8${digits.slice(3, 6)}-${digits.slice(6, 18)}`;
}
