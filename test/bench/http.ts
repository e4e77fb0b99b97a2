/**
 * Over HTTP: the handlers behind plain `node:http` in a process of their own, and, as a smoke test, `sls offline`:
 * requests a second, latencies, memory.
 */
import { readFile } from "node:fs/promises";
import autocannon from "autocannon";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { startService, stopService } from "../../infra/local/service.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { killChild, startChild } from "../support/child.ts";
import { print, type Row } from "./measure.ts";
import { BODY, PROJECT } from "./workloads.ts";

const SECONDS = 2;
const CONNECTIONS = [1, 8, 32];

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const environment = await functionEnvironment(emulator.endpoint);
Object.assign(process.env, environment, { LOG_LEVEL: "SILENT" });
const token = await signToken(PROJECT, ["member"], 3_600);
const headers = { "x-auth-token": token, "content-type": "application/json" };
const path = `/v1/${PROJECT}/software_deployments`;

const post = async (url: string, body: object): Promise<any> =>
  (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json();

/** Memory that a process holds, in MB, where the system tells. */
const memory = async (pid: number | undefined): Promise<number | string> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /VmRSS:\s+(\d+)/.exec(status)?.[1];
  return kilobytes ? Math.round(Number(kilobytes) / 1_024) : "–";
};

const load = async (url: string, request: autocannon.Options, connections: number): Promise<Row> => {
  const result = await autocannon({ headers, ...request, url, connections, duration: SECONDS });
  return {
    "requests/s": Math.round(result.requests.average),
    "p50, ms": result.latency.p50,
    "p99, ms": result.latency.p99,
    failed: result.non2xx + result.errors,
  };
};

const child = await startChild();
const config = (await post(`${child.url}/v1/${PROJECT}/software_configs`, { config: "echo" }))
  .software_config;
const server_ids = Array.from({ length: 50 }, () => "measured");
await post(`${child.url}${path}`, { config_id: config.id, server_ids });
const { id } = (await post(`${child.url}${path}`, BODY)).software_deployment;

const REQUESTS: Record<string, [path: string, autocannon.Options]> = {
  show: [`${path}/${id}`, { url: "" }],
  "list of 20": [`${path}?limit=20`, { url: "" }],
  "metadata of 50": [`${path}/metadata/measured`, { url: "" }],
  create: [path, { url: "", method: "POST", body: JSON.stringify(BODY) }],
};

const rows: Row[] = [];
for (const [name, [target, options]] of Object.entries(REQUESTS)) {
  for (const connections of CONNECTIONS) {
    const figures = await load(`${child.url}${target}`, options, connections);
    rows.push({ request: name, connections, ...figures, "memory, MB": await memory(child.process.pid) });
  }
}
print("over HTTP, plain node:http", rows);
await killChild(child);

const service = await startService({
  AWS_ENDPOINT_URL_DYNAMODB: emulator.endpoint,
  LOG_LEVEL: "SILENT",
});
const [target, options] = REQUESTS.create ?? ["", { url: "" }];
print("over HTTP, sls offline (a simulator)", [
  { request: "create", connections: 8, ...(await load(`${service.url}${target}`, options, 8)) },
]);
await stopService(service);
await stopEmulator(emulator);
