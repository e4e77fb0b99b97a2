/** The cost of a project's size to its requests: DynamoDB calls and units, counted. */
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { print, type Row } from "./measure.ts";
import { BODY, caller, PROJECT, SERVERS, type Workload, workloads } from "./workloads.ts";

const SIZES = [100, 10_000, 100_000];
const BATCH = 100;

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const proxy = await startFaultProxy(emulator.endpoint);
Object.assign(process.env, await functionEnvironment(proxy.url), { LOG_LEVEL: "SILENT" });
const { signToken } = await import("../../infra/local/signing-key.ts");
const create = await caller("createSoftwareDeployment", await signToken(PROJECT, ["member"], 3_600));

const counted = async ({ ready, work }: Workload): Promise<string> => {
  await ready?.(1);
  proxy.calls.length = 0;
  await work();
  const units = proxy.calls.reduce((sum, call) => sum + (call.units ?? 0), 0);
  return `${proxy.calls.length} calls, ${units} units`;
};

const works = await workloads();
// What the set-up of the workloads made.
let size = Object.values(SERVERS).reduce((sum, count) => sum + count, 1);
const rows: Row[] = [];
for (const wanted of SIZES) {
  for (; size < wanted; size += BATCH) {
    const server_ids = Array.from(
      { length: Math.min(BATCH, wanted - size) },
      (_, i) => `server-${(size + i) % 2_000}`,
    );
    const { server_id: _, ...body } = BODY;
    await create("POST", `/v1/${PROJECT}/software_deployments`, { body: { ...body, server_ids } });
  }
  size = wanted;
  const row: Row = { "deployments in the project": wanted };
  for (const workload of works.slice(0, 7)) row[workload.name] = await counted(workload);
  rows.push(row);
}
print("growth", rows);

await proxy.close();
await stopEmulator(emulator);
