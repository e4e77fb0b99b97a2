/**
 * A project's servers polling as os-collect-config does (HEAD, then GET when something changed), every second,
 * against `sls offline`: errors, and the DynamoDB calls of a poll. Run it with `npm run bench:polling [-- SECONDS]`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { engines, freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { startService, stopService } from "../../infra/local/service.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";

const SERVERS = 100;
const SECONDS = Number(process.argv[2] ?? 60);

const engine = engines[0] ?? "dynalite";
const emulator = await startEmulator({ engine, port: await freePort(), stage: STAGE });
const proxy = await startFaultProxy(emulator.endpoint);
const service = await startService({ AWS_ENDPOINT_URL_DYNAMODB: proxy.url });
const token = await signToken("polling", ["member"], 3_600);

const api = async (path: string, body?: object): Promise<any> => {
  const response = await fetch(`${service.url}/v1/polling${path}`, {
    method: "POST",
    headers: { "x-auth-token": token },
    body: body ? JSON.stringify(body) : null,
  });
  return response.json();
};

const config = (await api("/software_configs", { config: "echo" })).software_config;
const servers = await Promise.all(
  Array.from({ length: SERVERS }, async (_, i) => {
    await api("/software_deployments", { config_id: config.id, server_id: `server-${i}` });
    const link = await api(`/software_deployments/metadata/server-${i}/link`);
    return { url: link.metadata_url as string, modified: "" };
  }),
);

let polls = 0;
let fetched = 0;
let errors = 0;

const poll = async (server: { url: string; modified: string }): Promise<void> => {
  polls += 1;
  const head = await fetch(server.url, { method: "HEAD" });
  const modified = head.headers.get("last-modified") ?? "";
  if (!head.ok) errors += 1;
  if (modified !== "" && modified === server.modified) return;
  const answer = await fetch(server.url);
  fetched += 1;
  if (!answer.ok || ((await answer.json()) as { deployments: unknown[] }).deployments.length !== 1)
    errors += 1;
  server.modified = modified;
};

proxy.calls.length = 0;
const end = Date.now() + SECONDS * 1_000;
while (Date.now() < end) {
  const second = sleep(1_000);
  const results = await Promise.allSettled(servers.map(poll));
  errors += results.filter(({ status }) => status === "rejected").length;
  await second;
}

const counts = Object.entries(Object.groupBy(proxy.calls, ({ operation }) => operation));
const calls = counts.map(([operation, made]) => `${((made?.length ?? 0) / polls).toFixed(2)} ${operation}`);
process.stdout.write(`${SERVERS} servers, ${polls} polls (${fetched} with a GET), ${errors} errors\n`);
process.stdout.write(`DynamoDB calls a poll: ${calls.join(", ")}\n`);

await stopService(service);
await proxy.close();
await stopEmulator(emulator);
if (errors > 0) process.exitCode = 1;
