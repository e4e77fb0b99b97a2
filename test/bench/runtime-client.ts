/**
 * Cold start under Lambda's runtime client, as `test/lambda` runs functions: from a process's start to its request for an
 * event, and from there to the first answer, for create and for an empty handler. Interleaved.
 */
import { mkdirSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { runtimeClient } from "../lambda/client.ts";
import { startContainer } from "../lambda/container.ts";
import { gatewayEvent } from "../support/gateway.ts";
import { bundled, folder, functionFile, median, print } from "./measure.ts";
import { BODY, PROJECT } from "./workloads.ts";

const RUNS = 10;

const client = runtimeClient("cold starts under Lambda's runtime client");
const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const environment = { ...(await functionEnvironment(emulator.endpoint)), LOG_LEVEL: "SILENT" };
const token = await signToken(PROJECT, ["member"], 3_600);
const event = gatewayEvent("POST", `/v1/${PROJECT}/software_deployments`, { token, body: BODY });

const EMPTY = `export const handler = async () => ({ statusCode: 200, headers: {}, body: "" });`;

const FILES: Record<string, string> = {
  "empty handler": await bundled("empty", EMPTY),
  create: await functionFile("createSoftwareDeployment"),
};

const surroundings = { client, code: folder, logs: join(folder, "logs"), services: emulator.endpoint };
mkdirSync(surroundings.logs);
for (const [name, file] of Object.entries(FILES)) {
  mkdirSync(join(folder, name));
  await copyFile(file, join(folder, name, "bundle.cjs"));
}

interface Start {
  started: number;
  answered: number;
}

const start = async (name: string): Promise<Start> => {
  const before = performance.now();
  const container = await startContainer(
    {
      ...{ name, functionName: name, handler: "bundle.handler", memorySize: 512, timeout: 10, environment },
      ...{ role: "", permissions: [] },
    },
    surroundings,
  );
  const started = performance.now() - before;
  const { statusCode } = (await container.invoke(event)) as { statusCode: number };
  if (statusCode !== 200) throw new Error(`${name}: ${statusCode}`);
  const answered = performance.now() - before - started;
  container.stop();
  return { started, answered };
};

const names = Object.keys(FILES);
const starts = new Map(names.map((name) => [name, [] as Start[]]));
for (let run = 0; run < RUNS + 1; run += 1) {
  for (const name of names) {
    const one = await start(name);
    // The first round warms the machine's file cache.
    if (run > 0) starts.get(name)?.push(one);
  }
}
await stopEmulator(emulator);

print(
  "cold start under Lambda's runtime client, in ms",
  names.map((name) => {
    const all = starts.get(name) ?? [];
    return {
      function: name,
      "asks for an event": median(all.map(({ started }) => started)),
      "first answer after": median(all.map(({ answered }) => answered)),
    };
  }),
);
