import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { COUNTS } from "../../lib/metrics.ts";
import { request } from "../support/api.ts";
import {
  byLink,
  collect,
  type DeliveringTenant,
  newDeliveringTenant,
  signalLink,
} from "../support/delivery.ts";
import { deploymentsOf, minimal, newProject, newTenant } from "../support/deployments.ts";
import { metricsOf } from "../support/embedded-metrics.ts";
import { injectFaults, proxy } from "../support/fault-proxy-setup.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";
import type { Handler } from "../support/handlers.ts";
import { type LogLine, recordLog } from "../support/log-lines.ts";
import { loopback } from "../support/loopback.ts";

const NAMESPACE = "software-deployments-dev";

const log = recordLog();
const seen = new Set<string>();
let tenant: DeliveringTenant;

beforeEach(async () => {
  tenant = await newDeliveringTenant();
});

/** Whether a line tells of a request: containers write lines too. */
const isOfRequest = ({ request_id }: LogLine): boolean => request_id !== undefined;

/** The counts of requests: the metrics without a dimension that CloudWatch makes of their lines. */
const countsOf = async (requests: () => Promise<unknown>): Promise<Record<string, number>> => {
  log.clear();
  await requests();
  const counts: Record<string, number> = {};
  for (const metric of log.lines().filter(isOfRequest).flatMap(metricsOf)) {
    const { dimensions, namespace, name, value, unit } = metric;
    expect(namespace).toBe(NAMESPACE);
    if (Object.keys(dimensions).length > 0) continue;
    expect(unit).toBe("Count");
    counts[name] = (counts[name] ?? 0) + value;
    seen.add(name);
  }
  return counts;
};

const put = (id: string, body: object) => tenant.update(id, body);
const patch = (id: string, body: object) => tenant.call("PATCH", `/software_deployments/${id}`, { body });
const rerun = (id: string) => tenant.call("POST", `/software_deployments/${id}/rerun`);
const signal = (id: string, body: object = {}) =>
  tenant.call("POST", `/software_deployments/${id}/signal`, { body });

describe("DeploymentsCreated", () => {
  it("DeploymentsCreated counts the deployments of a create, and nothing of one that is refused", async () => {
    expect(await countsOf(() => tenant.deploy())).toEqual({ DeploymentsCreated: 1 });
    expect(await countsOf(() => tenant.deploy({ status: "COMPLETE" }))).toEqual({ DeploymentsCreated: 1 });
    expect(
      await countsOf(() => tenant.call("POST", "/software_deployments", { body: { status: "DONE" } })),
    ).toEqual({});
  });

  const create = (body: unknown, key?: string) =>
    tenant.call("POST", "/software_deployments", {
      body,
      ...(key && { headers: { "Idempotency-Key": key } }),
    });

  it.runIf(inject("engine") !== "dynalite")("DeploymentsCreated counts each of many", async () => {
    const { server_id: _, ...body } = minimal({ server_ids: ["a", "b", "c"] });
    expect(await countsOf(() => create(body))).toEqual({ DeploymentsCreated: 3 });
    expect(await countsOf(() => create([minimal(), minimal()]))).toEqual({ DeploymentsCreated: 2 });
  });

  it("DeploymentsCreated counts a create under an Idempotency-Key once, by the request that wrote it", async () => {
    expect(await countsOf(() => create(minimal(), "k"))).toEqual({ DeploymentsCreated: 1 });
    expect(await countsOf(() => create(minimal(), "k"))).toEqual({});
    injectFaults("pass", "pass", "deny");
    expect(await countsOf(() => create(minimal(), "broken-off"))).toEqual({ ServerErrors: 1 });
    expect(await countsOf(() => create(minimal(), "broken-off"))).toEqual({ DeploymentsCreated: 1 });
    const race = () => Promise.all(Array.from({ length: 8 }, () => create(minimal(), "race")));
    expect(await countsOf(race)).toEqual({ DeploymentsCreated: 1 });
  });
});

describe("DeploymentsCollected", () => {
  it("DeploymentsCollected counts deliveries that are collected for the first time", async () => {
    const { id } = await tenant.deployed();
    await tenant.deployed();
    const link = await tenant.newLink();
    expect(await countsOf(() => byLink("HEAD", link))).toEqual({});
    expect(await countsOf(() => collect(link))).toEqual({ DeploymentsCollected: 2 });
    expect(await countsOf(() => collect(link))).toEqual({});
    await put(id, { input_values: { a: 1 } });
    expect(await countsOf(() => collect(link))).toEqual({ DeploymentsCollected: 1 });
  });

  it("DeploymentsCollected does not count a delivery that could not be recorded", async () => {
    await tenant.deployed();
    const link = await tenant.newLink();
    proxy.decide = (operation) => (operation === "UpdateItem" ? "deny" : "pass");
    expect(await countsOf(() => collect(link))).toEqual({});
    proxy.decide = () => "pass";
    expect(await countsOf(() => collect(link))).toEqual({ DeploymentsCollected: 1 });
  });
});

describe("DeploymentsCompleted and DeploymentsFailed", () => {
  const completed = { DeploymentsCompleted: 1 };
  const failed = { DeploymentsFailed: 1 };

  it("DeploymentsCompleted and DeploymentsFailed count the first result of a run, by link or by token", async () => {
    const { id } = await tenant.deployed();
    const link = await signalLink(await tenant.newLink());
    expect(await countsOf(() => byLink("PUT", link, { body: {} }))).toEqual(completed);
    expect(await countsOf(() => byLink("PUT", link, { body: {} }))).toEqual({});
    expect(await countsOf(() => rerun(id))).toEqual({});
    expect(await countsOf(() => signal(id, { deploy_status_code: 1 }))).toEqual(failed);
    expect(await countsOf(() => signal(id, { deploy_status_code: 1 }))).toEqual({});
  });

  it("DeploymentsCompleted and DeploymentsFailed count a status that an update changes", async () => {
    const { id } = await tenant.deployed();
    expect(await countsOf(() => put(id, { status: "FAILED" }))).toEqual(failed);
    expect(await countsOf(() => put(id, { status: "FAILED" }))).toEqual({});
    expect(await countsOf(() => put(id, { status_reason: "Because." }))).toEqual({});
    expect(await countsOf(() => put(id, { input_values: { a: 1 } }))).toEqual({});
    expect(await countsOf(() => patch(id, { status: "COMPLETE" }))).toEqual(completed);
    expect(await countsOf(() => put(id, {}))).toEqual({});
    expect(await countsOf(() => patch(id, { input_values: { a: 2 }, status: "FAILED" }))).toEqual(failed);
  });

  it("DeploymentsFailed counts neither a passed time limit nor the change that writes it", async () => {
    const later = async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_000_000 });
      const { call } = await newTenant(["member"], tenant.project);
      tenant.call = call;
    };
    const { id } = await tenant.deployed({ timeout: 1 });
    await later();
    expect(await countsOf(() => tenant.show(id))).toEqual({});
    expect((await tenant.show(id)).status).toBe("FAILED");
    expect(await countsOf(() => signal(id))).toEqual({});
    expect(await countsOf(() => put(id, { status_reason: "Because." }))).toEqual({});
    const other = await tenant.deployed({ timeout: 1 });
    await later();
    expect(await countsOf(() => patch(other.id, { status: "COMPLETE" }))).toEqual(completed);
  });

  it("DeploymentsCompleted counts once a write that the SDK repeats for want of an answer", async () => {
    const { id } = await tenant.deployed();
    injectFaults("pass", "pass", "cut-after");
    expect(await countsOf(() => signal(id))).toEqual(completed);
  });
});

describe("ResultsRefused", () => {
  const refused = { ResultsRefused: 1 };

  it("ResultsRefused counts refused results, and none that is accepted and changes nothing", async () => {
    const { id } = await tenant.deployed();
    const link = await signalLink(await tenant.newLink());
    expect(await countsOf(() => byLink("PUT", link, { body: "{" }))).toEqual(refused);
    expect(await countsOf(() => byLink("PUT", `${link}x`, { body: {} }))).toEqual({});
    const path = `/v1/${tenant.project}/software_deployments/${id}/signal`;
    expect(await countsOf(() => request("POST", path, { token: "bad", body: {} }))).toEqual({});
    await put(id, { input_values: { a: 1 } });
    expect(await countsOf(() => byLink("PUT", link, { body: {} }))).toEqual({});
    expect(await countsOf(() => signal(newProject()))).toEqual(refused);
    await tenant.call("DELETE", `/software_deployments/${id}`);
    expect(await countsOf(() => byLink("POST", link, { body: {} }))).toEqual(refused);
    proxy.decide = () => "deny";
    expect(await countsOf(() => signal(id))).toEqual({ ServerErrors: 1, ...refused });
  });
});

describe("failed dependencies", () => {
  // What is remembered, and the settings that were read, end with each test.
  afterEach(() => vi.resetModules());

  it("Keystone down counts as TokenChecksFailed", async () => {
    vi.resetModules();
    const keystone = await loopback((_, response) => void response.writeHead(502).end());
    vi.stubEnv("KEYSTONE_AUTH_URL", `${keystone.url}/v3`);
    const ask = () => request("GET", deploymentsOf(newProject()), { token: "a-token" });
    expect(await countsOf(ask)).toEqual({ ServerErrors: 1, TokenChecksFailed: 1 });
    await keystone.close();
    expect(await countsOf(ask)).toEqual({ ServerErrors: 1, TokenChecksFailed: 1 });
  });

  it("an issuer down, whose keys are not known yet, counts as TokenChecksFailed", async () => {
    vi.resetModules();
    vi.stubEnv("TOKEN_KEYS", "http://127.0.0.1:1/keys");
    const ask = () => tenant.call("GET", "/software_deployments");
    expect(await countsOf(ask)).toEqual({ ServerErrors: 1, TokenChecksFailed: 1 });
  });

  it("keys of signed links that cannot be read count as LinkKeysFailed", async () => {
    await tenant.deployed();
    const link = await signalLink(await tenant.newLink());
    vi.resetModules();
    vi.stubEnv("LINK_KEYS", "file:///nowhere/link-key");
    expect(await countsOf(() => byLink("PUT", link, { body: {} }))).toEqual({
      ServerErrors: 1,
      LinkKeysFailed: 1,
    });
    expect(await countsOf(() => tenant.newLink().catch(() => undefined))).toEqual({
      ServerErrors: 1,
      LinkKeysFailed: 1,
    });
  });
});

describe("StartsFailed", () => {
  afterEach(() => vi.resetModules());

  it("a misconfigured function counts StartsFailed, and no ResultsRefused, as it checks no token", async () => {
    vi.resetModules();
    vi.stubEnv("MEMBER_ROLES", "");
    const counts = { ServerErrors: 1, StartsFailed: 1 };
    expect(await countsOf(() => tenant.call("GET", "/software_deployments"))).toEqual(counts);
    expect(await countsOf(() => signal(newProject()))).toEqual(counts);
  });
});

describe("counts", () => {
  it("counts of several calls in one request are added", async () => {
    const { endpoint } = await import("../../lib/http/endpoint.ts");
    // The chain completes API Gateway's event.
    const handler = endpoint({ access: [] }, async ({ count }) => {
      count({ DeploymentsCompleted: 1 });
      count({ DeploymentsCompleted: 2, DeploymentsCollected: 1 });
      count({ DeploymentsFailed: 0 });
    }) as unknown as Handler;
    const event = gatewayEvent("GET", "/health", {});
    expect(await countsOf(() => handler(event, lambdaContext()))).toEqual({
      DeploymentsCompleted: 3,
      DeploymentsCollected: 1,
    });
  });

  it("every metric in lib/metrics.ts was seen in the tests above", () => {
    expect([...seen].sort()).toEqual([...COUNTS].sort());
  });
});
