/**
 * Instructions of a request, counted by valgrind: a figure that no load and no clock touches, which repeats to about
 * one in a thousand. With `--check` it fails where one is more than 5 % over what `instructions.json` holds; with
 * `--write` it writes that file.
 */
import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { functionEnvironment } from "../support/function-environment.ts";
import { gatewayEvent } from "../support/gateway.ts";
import { STAGE } from "../support/stage.ts";
import { functionFile, print } from "./measure.ts";
import { BODY, PROJECT } from "./workloads.ts";

const FIGURES = new URL("instructions.json", import.meta.url);

/** By how much a request may take more than it did. */
const BOUND = 1.05;

/** How many requests are made in the one run and in the other; the difference is what they take. */
const FEW = 10;
const MANY = 40;

const path = `/v1/${PROJECT}/software_deployments`;

const script = (file: string, event: unknown, status: number): string => `
  const { handler } = require(${JSON.stringify(file)});
  const context = { awsRequestId: "00000000-0000-4000-8000-000000000000", getRemainingTimeInMillis: () => 60000 };
  (async () => {
    for (let i = 0; i < Number(process.argv[1]); i += 1) {
      const { statusCode, body } = await handler(structuredClone(${JSON.stringify(event)}), context);
      if (statusCode !== ${status}) throw new Error(body);
    }
    process.exit(0);
  })();`;

const run = async (source: string, requests: number): Promise<number> => {
  // One thread and no compiler, whose work depends on time.
  const node = [process.execPath, "--jitless", "--predictable", "--single-threaded", "-e", source];
  const args = ["--tool=callgrind", "--callgrind-out-file=/dev/null", ...node, String(requests)];
  const { stderr } = await promisify(execFile)("valgrind", args);
  return Number(/Collected : (\d+)/.exec(stderr)?.[1]);
};

const measured = async (source: string): Promise<number> => {
  const [few, many] = await Promise.all([run(source, FEW), run(source, MANY)]);
  return Math.round(((many ?? 0) - (few ?? 0)) / (MANY - FEW));
};

if (spawnSync("valgrind", ["--version"]).status !== 0) {
  process.stdout.write("left out: instructions, as valgrind is not installed\n");
  process.exit(process.env.CI ? 1 : 0);
}

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "INFO" });
const token = await signToken(PROJECT, ["member"], 3_600);
const create = await functionFile("createSoftwareDeployment");
const show = await functionFile("showSoftwareDeployment");
const missing = `${path}/00000000-0000-7000-8000-000000000000`;
const sources = {
  create: script(create, gatewayEvent("POST", path, { token, body: BODY }), 200),
  "show, not found": script(show, gatewayEvent("GET", missing, { token }), 404),
  "an unauthorized request": script(create, gatewayEvent("POST", path, { body: BODY }), 401),
};
const figures: Record<string, number> = {};
for (const [name, source] of Object.entries(sources)) figures[name] = await measured(source);
await stopEmulator(emulator);

const committed = JSON.parse(await readFile(FIGURES, "utf8").catch(() => "{}")) as Record<string, number>;
const rows = Object.entries(figures).map(([request, instructions]) => ({
  request,
  instructions,
  "of what was committed": instructions / (committed[request] ?? instructions),
}));
print("instructions of a request, without a compiler", rows);
if (process.argv.includes("--write")) await writeFile(FIGURES, `${JSON.stringify(figures, null, 2)}\n`);
const over = rows.filter((row) => row["of what was committed"] > BOUND);
if (process.argv.includes("--check") && over.length > 0) {
  process.stdout.write(
    `more than ${BOUND} times what it was: ${over.map(({ request }) => request).join(", ")}\n`,
  );
  process.exitCode = 1;
}
