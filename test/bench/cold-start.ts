/**
 * Cold start: a fresh process from its start to the handler loaded, and to the first answer, for each function as it is
 * deployed, beside an empty handler and one with nothing but the DynamoDB client and one command. Interleaved.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE, TABLE } from "../../infra/local/stage.ts";
import { sources } from "../../infra/serverless/bundle.ts";
import { routes } from "../../infra/serverless/route-table.ts";
import { gatewayEvent } from "../support/gateway.ts";
import { bundled, functionFile, median, print } from "./measure.ts";
import { BODY, caller, measuredServer, PROJECT } from "./workloads.ts";

const RUNS = 15;
const NOBODY = "00000000-0000-7000-8000-000000000000";

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const environment = { ...(await functionEnvironment(emulator.endpoint)), LOG_LEVEL: "SILENT" };
const token = await signToken(PROJECT, ["member"], 3_600);

interface Contender {
  file: string;
  event: unknown;
}

const EMPTY = `export const handler = async () => ({ statusCode: 200, headers: {}, body: "" });`;

const BARE = `
  import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
  const client = new DynamoDBClient({});
  export const handler = async () => {
    const Key = { project_id: { S: "p" }, id: { S: "none" } };
    await client.send(new GetItemCommand({ TableName: "${TABLE}", Key }));
    return { statusCode: 200, headers: {}, body: "" };
  };`;

/** The links of a server that has something to run, by the functions that they lead to. */
const links = async (): Promise<Record<string, string>> => {
  Object.assign(process.env, environment);
  const { deploy, config_id } = await measuredServer(token);
  await deploy({ ...BODY, config_id, server_id: "cold" });
  const server = `/v1/${PROJECT}/software_deployments/metadata/cold`;
  const { metadata_url } = await (await caller("createServerLink", token))("POST", `${server}/link`);
  const { metadata } = await (await caller("showServerMetadata", token))("GET", server);
  const signal = metadata[0].inputs.find(({ name }: { name: string }) => name === "deploy_signal_id").value;
  const targetOf = (url: string): string => new URL(url).pathname + new URL(url).search;
  return { collectServerMetadata: targetOf(metadata_url), signalByLink: targetOf(signal) };
};

const linked = await links();

const eventOf = (name: string): unknown => {
  const route = routes.find((one) => one.name === name);
  const path = (route?.path || "/unknown")
    .replace("{project_id}", PROJECT)
    .replace("{id}", NOBODY)
    .replaceAll(/\{\w+\}/g, "x");
  const link = linked[name];
  if (link) return gatewayEvent(route?.method ?? "GET", link, { body: { deploy_status_code: 0 } });
  return gatewayEvent(route?.method ?? "GET", path, { token, body: BODY });
};

const contenders: Record<string, Contender> = {
  empty: { file: await bundled("empty", EMPTY), event: {} },
  "DynamoDB client": { file: await bundled("bare", BARE), event: {} },
};
for (const name of Object.keys(sources))
  contenders[name] = { file: await functionFile(name), event: eventOf(name) };

// Lambda's runtime speaks HTTP to its service before it loads a handler.
const SCRIPT = `
  require("node:http");
  const { writeSync } = require("node:fs");
  const { handler } = require(process.argv[1]);
  writeSync(1, "L");
  const context = { awsRequestId: "00000000-0000-4000-8000-000000000000", getRemainingTimeInMillis: () => 60000 };
  handler(JSON.parse(process.argv[2]), context).then(({ statusCode }) => {
    writeSync(1, "A");
    process.exit(Math.floor(statusCode / 100));
  });`;

interface Start {
  loaded: number;
  answered: number;
  /** The first digit of the answer's status. */
  status: number;
}

const start = async ({ file, event }: Contender): Promise<Start> => {
  const started = performance.now();
  const child = spawn(process.execPath, ["-e", SCRIPT, file, JSON.stringify(event)], {
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const times: number[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    for (let i = 0; i < chunk.length; i += 1) times.push(performance.now() - started);
  });
  const [status] = await once(child, "close");
  const [loaded, answered] = times;
  if (loaded === undefined || answered === undefined) throw new Error(`${file} did not answer`);
  return { loaded, answered, status };
};

const starts = new Map(Object.keys(contenders).map((name) => [name, [] as Start[]]));
for (let run = 0; run < RUNS + 1; run += 1) {
  for (const [name, contender] of Object.entries(contenders)) {
    const started = await start(contender);
    // The first round warms the machine's file cache.
    if (run > 0) starts.get(name)?.push(started);
  }
}
await stopEmulator(emulator);

const of = (name: string) => {
  const all = starts.get(name) ?? [];
  const statuses = new Set(all.map(({ status }) => `${status}xx`));
  return {
    loaded: median(all.map(({ loaded }) => loaded)),
    answered: median(all.map(({ answered }) => answered)),
    statuses: [...statuses].join(", "),
  };
};
const [empty, client] = [of("empty"), of("DynamoDB client")];
print(
  "cold start, in ms",
  Object.keys(contenders).map((name) => {
    const { loaded, answered, statuses } = of(name);
    return {
      function: name,
      loaded,
      "over empty": loaded - empty.loaded,
      "of the client's rise": (loaded - empty.loaded) / (client.loaded - empty.loaded),
      "first answer": answered,
      "answer over empty": answered - empty.answered,
      answered: statuses,
      "of the client's": (answered - empty.answered) / (client.answered - empty.answered),
    };
  }),
);
