/**
 * What a project's size costs its requests: DynamoDB calls and read units, counted. Run it with
 * `npm run bench`.
 */
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { functionEnvironment } from "../support/function-environment.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";
import { type Meddler, startMeddler } from "../support/meddler.ts";
import { STAGE } from "../support/stage.ts";

const SERVERS = 200;
const DEPLOYMENTS = 10_000;
const PROJECT = "growth";

type Handler = (event: any, context: any) => Promise<{ statusCode: number; body: string }>;

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const meddler: Meddler = await startMeddler(emulator.endpoint);
Object.assign(process.env, await functionEnvironment(meddler.url), { POWERTOOLS_LOG_LEVEL: "SILENT" });

const deployments: Record<string, Handler> = await import("../../functions/software-deployments.ts");
const servers: Record<string, Handler> = await import("../../functions/servers.ts");
const configs: Record<string, Handler> = await import("../../functions/software-configs.ts");
const token = await signToken(PROJECT, ["member"], 3_600);

const call = async (
  handler: Handler | undefined,
  method: string,
  path: string,
  body?: object,
): Promise<any> => {
  const event = gatewayEvent(method, `/v1/${PROJECT}${path}`, { token, body });
  const answer = await handler?.(event, lambdaContext());
  if (answer?.statusCode !== 200) throw new Error(`${method} ${path}: ${answer?.statusCode} ${answer?.body}`);
  return JSON.parse(answer.body);
};

const counted = async (work: () => Promise<unknown>): Promise<string> => {
  meddler.calls.length = 0;
  await work();
  const units = meddler.calls.reduce((sum, call) => sum + (call.units ?? 0), 0);
  return `${meddler.calls.length} calls, ${units} units`;
};

const fill = async (from: number, to: number, configId: string): Promise<void> => {
  for (let at = from; at < to; at += 50) {
    const batch = Array.from({ length: Math.min(50, to - at) }, (_, i) => (at + i) % SERVERS);
    const create = (server: number) =>
      call(deployments.create, "POST", "/software_deployments", {
        config_id: configId,
        server_id: `server-${server}`,
        input_values: { foo: "bar" },
      });
    await Promise.all(batch.map(create));
  }
};

const metadata = () => call(servers.metadata, "GET", "/software_deployments/metadata/measured");

const pages = async (limit: string): Promise<{ ids: string[]; pages: number }> => {
  const ids: string[] = [];
  let query = limit;
  for (let count = 1; ; count += 1) {
    const { software_deployments, software_deployments_links } = await call(
      deployments.list,
      "GET",
      `/software_deployments${query}`,
    );
    ids.push(...software_deployments.map(({ id }: { id: string }) => id));
    if (!software_deployments_links) return { ids, pages: count };
    query = new URL(software_deployments_links[0].href).search;
  }
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const config = (await call(configs.create, "POST", "/software_configs", { config: "echo" })).software_config;
for (let i = 0; i < 50; i += 1) {
  const body = { config_id: config.id, server_id: "measured" };
  await call(deployments.create, "POST", "/software_deployments", body);
}
const [first] = (await pages("?limit=1000")).ids;
const show = () => call(deployments.show, "GET", `/software_deployments/${first}`);
await metadata();

say(`| deployments in the project | metadata of a server with 50 | show |`);
say(`|---|---|---|`);
say(`| 50 | ${await counted(metadata)} | ${await counted(show)} |`);
await fill(0, DEPLOYMENTS - 50, config.id);
say(`| ${DEPLOYMENTS} | ${await counted(metadata)} | ${await counted(show)} |`);
say("");
for (const limit of ["", "?limit=1000"]) {
  const { ids, pages: count } = await pages(limit);
  const once = new Set(ids).size === ids.length && ids.length === DEPLOYMENTS;
  say(
    `list${limit}: ${ids.length} deployments on ${count} pages, ${once ? "each exactly once" : "NOT each once"}`,
  );
}

await meddler.close();
await stopEmulator(emulator);
