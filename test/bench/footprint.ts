/**
 * Own files that run, and named functions that run, for one request of a warm container: how much of the code a reader
 * has to walk. Counted by the inspector's precise coverage of the sources, as they are, in one process. With `--list`
 * it prints their names.
 */
import { Session } from "node:inspector/promises";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { gatewayEvent, lambdaContext, matching } from "../support/gateway.ts";
import { handlerOf } from "../support/handlers.ts";
import { print, type Row } from "./measure.ts";

const PROJECT = "footprint";

/** Requests before those that are looked at: caches are filled, nothing is loaded any more. */
const WARM_UP = 3;

const OWN = /^file:.*\/((?:lib|functions)\/.*\.ts)$/;

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });
const token = await signToken(PROJECT, ["member"], 3_600);

const call = async (method: string, target: string, more: object = {}): Promise<any> => {
  const [path = ""] = target.split("?");
  const { route } = matching(method, path);
  const handler = await handlerOf(route);
  const event = gatewayEvent(method, target, more);
  const { statusCode, body } = await handler(event, lambdaContext(undefined, route.name));
  if (statusCode !== 200) throw new Error(`${method} ${target}: ${statusCode} ${body}`);
  return JSON.parse(body ?? "{}");
};

const below = (rest: string): string => `/v1/${PROJECT}${rest}`;
const target = (href: string): string => href.slice(new URL(href).origin.length);
const config = { name: "greet", group: "script", inputs: [{ name: "who" }], config: "#!/bin/sh\necho $who" };
const { software_config } = await call("POST", below("/software_configs"), { token, body: config });
let servers = 0;

const deploy = async (server_id: string): Promise<string> => {
  const body = { config_id: software_config.id, server_id, action: "CREATE", input_values: { who: "world" } };
  const { software_deployment } = await call("POST", below("/software_deployments"), { token, body });
  return software_deployment.id;
};

/** The link of a server that has one deployment, which it has not collected yet. */
const waitingServer = async (): Promise<string> => {
  const server = `server-${++servers}`;
  await deploy(server);
  const path = below(`/software_deployments/metadata/${server}/link`);
  return target((await call("POST", path, { token })).metadata_url);
};

const signalLink = async (): Promise<string> => {
  const { deployments } = await call("GET", await waitingServer());
  return target(deployments[0].inputs.find(({ name }: any) => name === "deploy_signal_id").value);
};

const deployment = await deploy("shown");

/** Each request: what has to be there, and the request itself. */
const REQUESTS: Record<string, [ready: () => Promise<string>, request: (ready: string) => Promise<unknown>]> =
  {
    show: [async () => below(`/software_deployments/${deployment}`), (path) => call("GET", path, { token })],
    create: [async () => "created", deploy],
    "poll with a new delivery": [waitingServer, (link) => call("GET", link)],
    "signal by link": [
      signalLink,
      (link) => call("PUT", link, { body: { deploy_stdout: "Hello", deploy_status_code: 0 } }),
    ],
  };

const session = new Session();
session.connect();
await session.post("Profiler.enable");

/** The functions that run in a piece of work, by file; anonymous ones are left out. */
const functionsRunBy = async (work: () => Promise<unknown>): Promise<Map<string, string[]>> => {
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await session.post("Profiler.takePreciseCoverage");
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  const found = new Map<string, string[]>();
  for (const { url, functions } of result) {
    const [, file] = OWN.exec(url) ?? [];
    const run = functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0);

    const names = run.map(({ functionName }) => functionName).filter(Boolean);
    if (file && names.length > 0) found.set(file, names);
  }
  return found;
};

const rows: Row[] = [];
for (const [request, [ready, work]] of Object.entries(REQUESTS)) {
  for (let time = 0; time < WARM_UP; time += 1) await work(await ready());
  const prepared = await ready();
  const run = await functionsRunBy(() => work(prepared));
  if (process.argv.includes("--list"))
    for (const [file, names] of run) process.stdout.write(`${request}: ${file}: ${names.join(" ")}\n`);
  rows.push({ request, "own files": run.size, "named functions": [...run.values()].flat().length });
}
print("own code that one request of a warm container runs", rows);
await stopEmulator(emulator);
