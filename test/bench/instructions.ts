/**
 * Instructions of a request, counted by valgrind: a figure that no load and no clock touches, which repeats to about
 * one in a hundred. With `--check` it fails where one is more than 5 % over what `instructions.json` holds; with
 * `--write` it writes that file.
 */
import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { gatewayEvent } from "../support/gateway.ts";
import { folder, functionFile, print } from "./measure.ts";
import { BODY, measuredServer, PROJECT } from "./workloads.ts";

const FIGURES = new URL("instructions.json", import.meta.url);

/** By how much a request may take more than it did. */
const BOUND = 1.05;

/** A request that is measured: the function it goes to, and its event, or one for each time it is made. */
interface Measured {
  name: string;
  event: APIGatewayProxyEventV2 | (() => Promise<APIGatewayProxyEventV2>);
  status: number;
  /** How often it is made in the one run and in the other; the difference is what it takes. */
  times: [few: number, many: number];
}

const TIMES: Measured["times"] = [10, 40];

/** Node with one thread; without a compiler, whose work depends on time; and with room for no garbage to be collected. */
const VALGRIND = [
  ...["--tool=callgrind", "--callgrind-out-file=/dev/null", process.execPath],
  ...["--jitless", "--predictable", "--single-threaded", "--min-semi-space-size=256", "-e"],
];

const SCRIPT = `
  const [file, eventsFile, status, times] = process.argv.slice(1);
  const events = JSON.parse(require("node:fs").readFileSync(eventsFile, "utf8"));
  const { handler } = require(file);
  const context = {
    awsRequestId: "00000000-0000-4000-8000-000000000000",
    functionName: "software-deployments-dev-createSoftwareDeployment",
    getRemainingTimeInMillis: () => 60000,
  };
  (async () => {
    for (let time = 0; time < Number(times); time += 1) {
      const { statusCode, body } = await handler(structuredClone(events[time % events.length]), context);
      if (statusCode !== Number(status)) throw new Error(body);
    }
    process.exit(0);
  })();`;

/** The instructions of a process that makes some requests. */
const run = async (file: string, { name, event, status }: Measured, times: number): Promise<number> => {
  const events = join(folder, `${name}-${times}.json`);
  const made =
    typeof event === "function" ? await Promise.all(Array.from({ length: times }, event)) : [event];
  await writeFile(events, JSON.stringify(made));
  const args = [...VALGRIND, SCRIPT, file, events, `${status}`, `${times}`];
  const env = { ...process.env, LOG_LEVEL: "INFO" };
  const { stderr } = await promisify(execFile)("valgrind", args, { env });
  return Number(/Collected : (\d+)/.exec(stderr)?.[1]);
};

const instructionsOf = async (measured: Measured): Promise<number> => {
  const file = await functionFile(measured.name);
  const [few, many] = measured.times;
  const [least = 0, most = 0] = await Promise.all([run(file, measured, few), run(file, measured, many)]);
  return Math.round((most - least) / (many - few));
};

if (spawnSync("valgrind", ["--version"]).status !== 0) {
  process.stdout.write("left out: instructions, as valgrind is not installed\n");
  process.exit(process.env.CI ? 1 : 0);
}

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });
const token = await signToken(PROJECT, ["member"], 3_600);
const { deploy, path } = await measuredServer(token);
const CREATE = "createSoftwareDeployment";
const measured: Record<string, Measured> = {
  create: {
    name: CREATE,
    event: gatewayEvent("POST", path, { token, body: BODY }),
    status: 200,
    times: TIMES,
  },
  "show, not found": {
    name: "showSoftwareDeployment",
    event: gatewayEvent("GET", `${path}/00000000-0000-7000-8000-000000000000`, { token }),
    status: 404,
    times: TIMES,
  },
  "list of 20": {
    name: "listSoftwareDeployments",
    event: gatewayEvent("GET", `${path}?limit=20`, { token }),
    status: 200,
    times: [4, 12],
  },
  "list of 20 by server": {
    name: "listSoftwareDeployments",
    event: gatewayEvent("GET", `${path}?server_id=twenty&limit=20`, { token }),
    status: 200,
    times: [4, 12],
  },
  "metadata with 3 deployments": {
    name: "showServerMetadata",
    event: gatewayEvent("GET", `${path}/metadata/few`, { token }),
    status: 200,
    times: TIMES,
  },
  "metadata with 50 deployments": {
    name: "showServerMetadata",
    event: gatewayEvent("GET", `${path}/metadata/measured`, { token }),
    status: 200,
    times: [2, 6],
  },
  signal: {
    name: "signalSoftwareDeployment",
    event: async () =>
      gatewayEvent("POST", `${path}/${await deploy()}/signal`, { token, body: { deploy_status_code: 0 } }),
    status: 200,
    times: TIMES,
  },
  "an unauthorized request": {
    name: CREATE,
    event: gatewayEvent("POST", path, { body: BODY }),
    status: 401,
    times: TIMES,
  },
  "an invalid body": {
    name: CREATE,
    event: gatewayEvent("POST", path, { token, body: { status: "DONE" } }),
    status: 400,
    times: TIMES,
  },
};
const figures: Record<string, number> = {};
for (const [request, one] of Object.entries(measured)) figures[request] = await instructionsOf(one);
await stopEmulator(emulator);

const committed = JSON.parse(await readFile(FIGURES, "utf8")) as Record<string, number>;
const rows = Object.entries(figures).map(([request, instructions]) => ({
  request,
  instructions,
  "of what was committed": instructions / (committed[request] ?? Number.NaN),
}));
print("instructions of a request, without a compiler", rows);
if (process.argv.includes("--write")) await writeFile(FIGURES, `${JSON.stringify(figures, null, 2)}\n`);
// What was not counted, or never committed, is not within the bound either.
const over = rows.filter((row) => !(row["of what was committed"] <= BOUND));
if (process.argv.includes("--check") && over.length > 0) {
  process.stdout.write(
    `not known to be at most ${BOUND} times what it was: ${over.map(({ request }) => request).join(", ")}\n`,
  );
  process.exitCode = 1;
}
