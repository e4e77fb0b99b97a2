/**
 * A hot project. By simulation: how many creates a second one project reaches, when its newest rows share a partition
 * that takes 1,000 write units a second (DynamoDB's documented limit; ids rise, so that splitting the partition does
 * not spread them), and what its callers see beyond it. By trial: creates through a storage that throttles 5 % of calls.
 */
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { concurrently, print, quantile } from "./measure.ts";
import { caller, PROJECT, type Workload, workloads } from "./workloads.ts";

const PARTITION = 1_000;
const SECONDS = 20;
const ATTEMPTS = 3;
/** The SDK's pauses before a throttled call is repeated: at random up to these, in ms. */
const PAUSES = [500, 1_000];

/** Arrivals at an even pace, a bucket that fills at the partition's pace and holds a second of it. */
const simulated = (rate: number) => {
  const due: { at: number; tries: number; since: number }[] = Array.from(
    { length: rate * SECONDS },
    (_, i) => {
      const at = (i * 1_000) / rate;
      return { at, tries: 1, since: at };
    },
  );
  const latencies: number[] = [];
  let [tokens, clock, refused] = [PARTITION, 0, 0];
  while (due.length > 0) {
    due.sort((a, b) => b.at - a.at);
    const calls = due.splice(-Math.max(1, Math.min(due.length, 200)));
    for (const call of calls.reverse()) {
      tokens = Math.min(PARTITION, tokens + (Math.max(0, call.at - clock) * PARTITION) / 1_000);
      clock = Math.max(clock, call.at);
      if (tokens >= 1) {
        tokens -= 1;
        latencies.push(call.at - call.since + 5);
      } else if (call.tries === ATTEMPTS) refused += 1;
      else {
        const pause = Math.random() * (PAUSES[call.tries - 1] ?? 0);
        due.push({ at: call.at + pause, tries: call.tries + 1, since: call.since });
      }
    }
  }
  return {
    "creates asked for/s": rate,
    "carried out/s": latencies.length / SECONDS,
    "503, %": (100 * refused) / (rate * SECONDS),
    "p50, ms": quantile(latencies, 0.5),
    "p99, ms": quantile(latencies, 0.99),
  };
};

print("a hot project, simulated", [500, 900, 1_000, 1_200, 1_500, 2_000].map(simulated));

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
const proxy = await startFaultProxy(emulator.endpoint);
Object.assign(process.env, await functionEnvironment(proxy.url), { LOG_LEVEL: "SILENT" });
const works = await workloads();
const list = await caller("listSoftwareDeployments", await signToken(PROJECT, ["member"], 3_600));

/** How many deployments the project has. */
const deployments = async (): Promise<number> => {
  let [count, query] = [0, "?limit=1000"];
  while (query !== "") {
    const page = await list("GET", `/v1/${PROJECT}/software_deployments${query}`);
    count += page.software_deployments.length;
    query = page.software_deployments_links ? new URL(page.software_deployments_links[0].href).search : "";
  }
  return count;
};

const tried = async ({ name, work }: Workload, count: number) => {
  const before = await deployments();
  proxy.decide = () => (Math.random() < 0.05 ? "throttle" : "pass");
  const times: number[] = [];
  let failed = 0;
  await concurrently(count, 8, async () => {
    const started = performance.now();
    await work().catch(() => {
      failed += 1;
    });
    times.push(performance.now() - started);
  });
  proxy.decide = () => "pass";
  return {
    request: name,
    requests: count,
    "answered 503": failed,
    "deployments made": (await deployments()) - before,
    "p50, ms": quantile(times, 0.5),
    "p99, ms": quantile(times, 0.99),
  };
};

const rows = [];
for (const work of works.filter(({ name }) => name === "create" || name === "show"))
  rows.push(await tried(work, 1_500));
print("a storage that throttles 5 % of calls", rows);

await proxy.close();
await stopEmulator(emulator);
