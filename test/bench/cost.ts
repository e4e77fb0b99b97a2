/**
 * Dollars for a million of each request: units counted at the emulator, CPU measured here and stretched to the share
 * of a CPU that a function has, log bytes counted, and the price list of `prices.ts`. The floor is one request that
 * writes one unit and does nothing else.
 */
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { print } from "./measure.ts";
import { CPU_SHARE, DYNAMODB_MS, MEMORY_GB, PRICES } from "./prices.ts";
import { workloads } from "./workloads.ts";

const COUNT = 100;
const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]);

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const proxy = await startFaultProxy(emulator.endpoint);
Object.assign(process.env, await functionEnvironment(proxy.url), { LOG_LEVEL: "INFO" });

let logged = 0;
const write = process.stdout.write.bind(process.stdout);
const counting = ((chunk: string | Uint8Array) => {
  logged += Buffer.byteLength(chunk);
  return true;
}) as typeof process.stdout.write;

const dollars = (parts: { requests: number; writes: number; reads: number; ms: number; logs: number }) =>
  parts.requests * (PRICES.gateway + PRICES.invocations) +
  parts.writes * PRICES.writes +
  parts.reads * PRICES.reads +
  (parts.ms / 1_000) * MEMORY_GB * PRICES.gigabyteSecond * 1e6 +
  (parts.logs / 1e9) * PRICES.logs * 1e6;

process.stdout.write = counting;
const works = await workloads();
const floor = dollars({ requests: 1, writes: 1, reads: 0, ms: DYNAMODB_MS, logs: 0 });
const rows = [];
for (const { name, ready, work } of works) {
  await ready?.(2 * COUNT);
  for (let i = 0; i < COUNT; i += 1) await work();
  proxy.calls.length = 0;
  logged = 0;
  const before = process.cpuUsage();
  for (let i = 0; i < COUNT; i += 1) await work();
  const { user, system } = process.cpuUsage(before);
  const units = (isWrite: boolean): number =>
    proxy.calls
      .filter(({ operation }) => WRITES.has(operation) === isWrite)
      .reduce((sum, call) => sum + (call.units ?? 0), 0) / COUNT;
  const calls = proxy.calls.length / COUNT;
  const parts = {
    requests: 1,
    writes: units(true),
    reads: units(false),
    ms: (user + system) / 1_000 / COUNT / CPU_SHARE + calls * DYNAMODB_MS,
    logs: logged / COUNT,
  };
  const total = dollars(parts);
  rows.push({
    request: name,
    "write units": parts.writes,
    "read units": parts.reads,
    "billed ms": parts.ms,
    "log bytes": Math.round(parts.logs),
    "$ a million": total,
    floors: total / floor,
  });
}
process.stdout.write = write;
print(`cost of a million requests (the floor is $${floor.toFixed(2)})`, rows);

await proxy.close();
await stopEmulator(emulator);
