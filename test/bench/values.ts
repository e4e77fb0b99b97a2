/**
 * CPU of bodies and lists by the numbers that they hold, beside the plain parse of the same text or the list of plain
 * values: ratios in one run. Ends with 1 where a ratio is over its bar.
 */
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { gatewayEvent, lambdaContext, matching } from "../support/gateway.ts";
import { handlerOf } from "../support/handlers.ts";
import { print, type Row } from "./measure.ts";

const PROJECT = "values";
const BYTES = 1_000_000;

/** The most that reading a body may take, in plain parses of it. */
const BODY_BAR = 2.5;

/** The same of a body whose numbers doubles give back: it is written anew, in the form that JSON.stringify gives it. */
const PLAIN_BAR = 4;

/** The most that a list may take, in lists of plain values, and that a used-up link may, in requests with an empty body. */
const LIST_BAR = 1.5;
const VOID_BAR = 2;

/** The most memory that a list may take above that of before, in MB. */
const MEMORY_BAR = 150;

const ROUNDS = 25;

const repeated = (value: string, last = value): string => {
  const count = Math.floor((BYTES - 200) / (value.length + 1));
  return `[${Array(count - 1)
    .fill(value)
    .join()},${last}]`;
};

const distinct = (): string => {
  const numbers: string[] = [];
  for (let i = 0, bytes = 0; bytes < BYTES - 200; i += 1) {
    numbers.push(`${(i * 7_919) % 10_000}.${i}`);
    bytes += (numbers.at(-1)?.length ?? 0) + 1;
  }
  return `[${numbers.join()}]`;
};

/** Values of about a megabyte, by what is in them. */
const VALUES: Record<string, string> = {
  "1": repeated("1"),
  "-0": repeated("-0"),
  "1.0": repeated("1.0"),
  "1, and one -0": repeated("1", "-0"),
  "distinct decimals": distinct(),
  "strings, and one -0": repeated('"a text of some length"', "-0"),
  "90,000 keys": `{${Array.from({ length: 70_000 }, (_, i) => `"key${i}":1.0`).join()}}`,
};

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });
const token = await signToken(PROJECT, ["member"], 3_600);
const path = `/v1/${PROJECT}/software_deployments`;

/** A request that is ready to be handed to its function, again and again. */
const prepared = async (method: string, target: string, more: object = {}, expected = 200) => {
  const [address = ""] = target.split("?");
  const { route } = matching(method, address);
  const handler = await handlerOf(route);
  const event = gatewayEvent(method, target, more);
  return async (): Promise<string> => {
    const { statusCode, body = "" } = await handler({ ...event }, lambdaContext(undefined, route.name));
    if (statusCode !== expected) throw new Error(`${method} ${target}: ${statusCode} ${body.slice(0, 300)}`);
    return body;
  };
};

const call = async (method: string, target: string, more: object = {}, expected = 200): Promise<string> =>
  (await prepared(method, target, more, expected))();

/** The least CPU of some rounds, in ms. */
const cpuOf = async (work: () => unknown): Promise<number> => {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
};

const rows: Row[] = [];
const over: string[] = [];
const row = (name: string, cpu: number, ratio: number, bar: number): void => {
  rows.push({ request: name, "CPU in ms": cpu, ratio, bar });
  if (!(ratio <= bar)) over.push(name);
};

/** A body that is read whole, and refused for a field: what is stored costs no more for its numbers. */
for (const agent of ["", "golangsdk/2.0.0"]) {
  for (const [name, value] of Object.entries(VALUES)) {
    const body = `{"config_id":"","server_id":"s","input_values":{"a":${value}}}`;
    const headers = { "user-agent": agent };
    const empty = await cpuOf(
      await prepared("POST", path, { token, body: '{"config_id":""}', headers }, 400),
    );
    const parse = await cpuOf(() => JSON.parse(body));
    const whole = await cpuOf(await prepared("POST", path, { token, body, headers }, 400));
    row(
      `a body of ${name}${agent && ", by the Go SDK"}`,
      whole,
      (whole - empty) / parse,
      name === "1" ? PLAIN_BAR : BODY_BAR,
    );
  }
}

const listOf = async (name: string): Promise<number> => {
  const project = `values-${name === "1" ? "plain" : "odd"}`;
  const own = await signToken(project, ["member"], 3_600);
  const list = `/v1/${project}/software_deployments`;
  for (let i = 0; i < 6; i += 1)
    await call("POST", list, {
      token: own,
      body: `{"config_id":"c","server_id":"s${i}","input_values":{"a":${VALUES[name]}}}`,
    });
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const cpu = await cpuOf(await prepared("GET", list, { token: own }));
  const megabytes = (process.memoryUsage().rss - before) / 1_048_576;
  if (megabytes > MEMORY_BAR) over.push(`memory of a list of ${name}: ${megabytes.toFixed(0)} MB`);
  return cpu;
};
const plain = await listOf("1");
row("a list of six rows of 1", plain, 1, 1);
const odd = await listOf("-0");
row("a list of six rows of -0", odd, odd / plain, LIST_BAR);

const { id } = JSON.parse(
  await call("POST", path, { token, body: { config_id: "c", server_id: "s", status: "COMPLETE" } }),
).software_deployment;
const signal = (body: string) => prepared("POST", `${path}/${id}/signal`, { token, body });
const least = await cpuOf(await signal("{}"));
const large = await cpuOf(await signal(`{"a":${VALUES["-0"]}}`));
row("a void result of {}", least, 1, 1);
row("a void result of a megabyte of -0", large, large / least, VOID_BAR);

print("CPU by the numbers of a value", rows);
await stopEmulator(emulator);
if (over.length > 0) {
  process.stdout.write(`over its bar: ${over.join("; ")}\n`);
  process.exitCode = 1;
}
