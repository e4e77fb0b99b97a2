/** CPU of a request, in µs of user and system time (`process.cpuUsage`), of the functions as they are deployed. */
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { median, print } from "./measure.ts";
import { type Workload, workloads } from "./workloads.ts";

const ROUNDS = 9;
const COUNT = 200;

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });
const works = await workloads();

const cpu = async ({ ready, work }: Workload, count: number): Promise<number> => {
  await ready?.(count);
  const before = process.cpuUsage();
  for (let i = 0; i < count; i += 1) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
};

const rounds = new Map(works.map(({ name }) => [name, [] as number[]]));
for (const workload of works) await cpu(workload, COUNT);
for (let round = 0; round < ROUNDS; round += 1) {
  for (const workload of works) rounds.get(workload.name)?.push(await cpu(workload, COUNT));
}
const least = median(rounds.get("an unauthorized request") ?? [1]);
print(
  "CPU of a request",
  works.map(({ name }) => {
    const figure = median(rounds.get(name) ?? []);
    return { request: name, µs: Math.round(figure), "unauthorized requests": figure / least };
  }),
);
await stopEmulator(emulator);
