import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, inject, it, vi } from "vitest";
import { putItem } from "../../lib/dynamodb/calls.ts";
import { ATTEMPT_TIMEOUT_MS, MAX_ATTEMPTS, MAX_BACKOFF_MS } from "../../lib/times.ts";
import { type DeliveringTenant, newDeliveringTenant, signalLink } from "../support/delivery.ts";
import { minimal } from "../support/deployments.ts";
import type { InjectedFault } from "../support/fault-proxy.ts";
import { limitCallsAsDeployed, proxy } from "../support/fault-proxy-setup.ts";
import { type Call, gatewayEvent, lambdaContext, matching } from "../support/gateway.ts";
import { handlerOf } from "../support/handlers.ts";
import { inLongForm } from "../support/long.ts";

/** How long the functions run here, in ms: less than on Lambda, so that their end comes while calls are repeated. */
const RUNS = 3_000;

/** How many requests run into faults. Those of a time share a client, which repeats only so much in all. */
const REQUESTS = 100;
const AT_A_TIME = 20;

/** The longest that the SDK would wait for a repeat here. */
const HOLD_OFF = 4_500;

/** A request that writes, made ready: all that it needs is there. */
interface Prepared {
  tenant: DeliveringTenant;
  request: [method: string, path: string, call: Call];
}

const noise = (): string => crypto.getRandomValues(new Uint8Array(9_000)).toString();

/** Every kind of request that writes. */
const REQUESTS_THAT_WRITE: Record<string, (tenant: DeliveringTenant) => Promise<Prepared["request"]>> = {
  create: async () => ["POST", "/software_deployments", { body: minimal() }],
  "create under a key": async () => [
    "POST",
    "/software_deployments",
    { body: minimal(), headers: { "idempotency-key": "k" } },
  ],
  ...(inject("engine") !== "dynalite" && {
    "create of many": async () => [
      "POST",
      "/software_deployments",
      { body: [minimal(), minimal({ server_id: "s2" })], headers: { "idempotency-key": "k" } },
    ],
  }),
  update: async (tenant) => ["PUT", await madeBy(tenant), { body: { status_reason: "so" } }],
  "update of inputs": async (tenant) => [
    "PUT",
    await madeBy(tenant),
    { body: { input_values: { noise: noise() } } },
  ],
  patch: async (tenant) => ["PATCH", await madeBy(tenant), { body: { timeout: 60 } }],
  rerun: async (tenant) => ["POST", `${await madeBy(tenant)}/rerun`, {}],
  signal: async (tenant) => ["POST", `${await madeBy(tenant)}/signal`, { body: { result: 1 } }],
  remove: async (tenant) => ["DELETE", await madeBy(tenant), {}],
  "revoke links": async () => ["DELETE", "/software_deployments/metadata/s/link", {}],
  "create configuration": async () => ["POST", "/software_configs", { body: { config: "echo" } }],
  collect: async (tenant) => {
    await tenant.deployed();
    return ["GET", await tenant.newLink(), {}];
  },
  "an agent's signal": async (tenant) => {
    await tenant.deployed();
    return ["PUT", await signalLink(await tenant.newLink()), { body: { result: 1 } }];
  },
};

const madeBy = async ({ deployed }: DeliveringTenant): Promise<string> =>
  `/software_deployments/${(await deployed()).id}`;

const prepared = async (kind: string): Promise<Prepared> => {
  const tenant = await newDeliveringTenant();
  const [method, path, call] = (await REQUESTS_THAT_WRITE[kind]?.(tenant)) ?? ["", "", {}];
  const target = path.startsWith("/agent") ? path : `/v1/${tenant.project}${path}`;
  return { tenant, request: [method, target, { token: tenant.token, ...call }] };
};

/** Runs a function as Lambda would that ends it after `RUNS`; gives the status of its answer. */
const invoked = async ({ request: [method, target, call] }: Prepared): Promise<number | undefined> => {
  const event = gatewayEvent(method, target, call);
  const handler = await handlerOf(matching(method, event.rawPath).route);
  return (await handler(event, lambdaContext(RUNS))).statusCode;
};

const WRITES = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"];

/** Late answers take less than a try; the rest of its time is for this process, which does everybody's work. */
const fault = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<InjectedFault>("throttle", "exceed", "hold-off") },
  { weight: 2, arbitrary: fc.constantFrom<InjectedFault>("fail", "hang", "conflict", "cut-after") },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: ATTEMPT_TIMEOUT_MS / 4, max: (ATTEMPT_TIMEOUT_MS * 3) / 4 })
      .map((late): InjectedFault => ({ late })),
  },
  { weight: 1, arbitrary: fc.constant<InjectedFault>("pass") },
);

/** The times of the last minute in a write, in ms since 1970: in seconds, in ms, or as a text of a time. */
const timesIn = (input: object): number[] => {
  const text = JSON.stringify(input);
  const numbers = [...text.matchAll(/\b1\d{9}(?:\d{3})?\b/g)].map(([digits]) =>
    Number(digits.padEnd(13, "0")),
  );
  const texts = [...text.matchAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g)].map(([time]) => Date.parse(time));
  return [...numbers, ...texts].filter((time) => Math.abs(Date.now() - time) < 60_000);
};

/** Which project a call is about. */
const projectOf = (input: object): string => /"([0-9a-f]{32})[#"]/.exec(JSON.stringify(input))?.[1] ?? "";

describe.runIf(inLongForm("the ages of 100 writes", [true]).length > 0)("age of a write", () => {
  it("no write lands later than its function runs, whatever DynamoDB delays, throttles or loses", async () => {
    const kinds = Object.keys(REQUESTS_THAT_WRITE);
    const plans = fc.sample(fc.array(fault, { minLength: 1, maxLength: 8 }), { numRuns: REQUESTS, seed: 1 });
    const faults = new Map<string, InjectedFault[]>();
    const answers: (number | undefined)[] = [];
    proxy.decide = (_, input) => faults.get(projectOf(input))?.shift() ?? "pass";
    // The functions, the timers that end them and the proxy are this process: how long it stood still at most.
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    for (let from = 0; from < REQUESTS; from += AT_A_TIME) {
      limitCallsAsDeployed();
      const some = plans.slice(from, from + AT_A_TIME);
      const ready = await Promise.all(some.map((_, at) => prepared(kinds[(from + at) % kinds.length] ?? "")));
      for (const [at, { tenant }] of ready.entries()) faults.set(tenant.project, [...(some[at] ?? [])]);
      answers.push(...(await Promise.all(ready.map(invoked))));
    }
    // What would be repeated after the end would be by then.
    await sleep(HOLD_OFF + ATTEMPT_TIMEOUT_MS);
    const ages = proxy.calls.flatMap(({ operation, input, landedAt }) => {
      const times = WRITES.includes(operation) ? timesIn(input) : [];
      return landedAt === undefined || times.length === 0 ? [] : [landedAt - Math.min(...times)];
    });
    delay.disable();
    // Times have whole seconds. A standstill may come when the function should end, and when its last call should land.
    expect(Math.max(...ages)).toBeLessThanOrEqual(RUNS + 1_000 + 2 * (delay.max / 1e6));
    // Or nothing was tried: some requests were broken off, some succeeded, and some writes landed late.
    expect(new Set(answers)).toEqual(new Set([200, 204, 503]));
    expect(ages.filter((age) => age > ATTEMPT_TIMEOUT_MS).length).toBeGreaterThan(REQUESTS / 10);
  });
});

describe("pauses of the SDK", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("the SDK's pauses between attempts fit the function's time", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.9999);
    proxy.decide = () => "throttle";
    const error = await putItem({ TableName: "any", Item: { project_id: "p", id: "i" } }).catch(
      ({ cause }) => cause,
    );
    expect(error.$metadata).toMatchObject({ attempts: MAX_ATTEMPTS });
    expect(error.$metadata.totalRetryDelay).toBeLessThanOrEqual(MAX_BACKOFF_MS);
    expect(error.$metadata.totalRetryDelay).toBeGreaterThan(0.99 * MAX_BACKOFF_MS);
  });
});
