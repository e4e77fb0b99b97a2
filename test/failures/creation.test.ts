import { beforeAll, describe, expect, inject, it, vi } from "vitest";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import type { InjectedFault } from "../support/fault-proxy.ts";
import { injectFaults, limitCallsAsDeployed, operations, proxy } from "../support/fault-proxy-setup.ts";
import { expectFault } from "../support/faults.ts";
import { storedItems } from "../support/table.ts";

let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

const THREE: InjectedFault[] = ["fail", "fail", "fail"];

const one = minimal({ input_values: { a: 1 } });
const batch = [minimal({ server_id: "s1" }), minimal({ server_id: "s2" }), minimal({ server_id: "s3" })];
const hasTransactions = inject("engine") !== "dynalite";

const deploymentsIn = async ({ project }: Tenant): Promise<number> =>
  (await storedItems(project)).filter(({ serverKey }) => serverKey !== undefined).length;

describe("calls of a create", () => {
  it("POST: PutItem, of many TransactWriteItems; with a key also GetItem and PutItem", async () => {
    await tenant.deploy();
    expect(operations().join()).toBe("PutItem");
    const headers = { "idempotency-key": "cost" };
    await tenant.call("POST", "/software_deployments", { body: one, headers });
    expect(operations().join()).toBe("GetItem,PutItem,PutItem");
    await tenant.call("POST", "/software_deployments", { body: one, headers });
    expect(operations().join()).toBe("GetItem,BatchGetItem");
    if (!hasTransactions) return;
    await tenant.call("POST", "/software_deployments", { body: batch });
    expect(operations().join()).toBe("TransactWriteItems");
  });
});

const BODIES: [name: string, body: unknown, count: number][] = [
  ["one", one, 1],
  ...(hasTransactions ? ([["a batch", batch, 3]] as [string, unknown, number][]) : []),
];

describe.each(BODIES)("broken-off create of %s under a key", (_, body, count) => {
  const post = (of: Tenant) =>
    of.call("POST", "/software_deployments", { body, headers: { "idempotency-key": "k" } });

  // The calls are: read the key, write the key, write the rows.
  it.each<[string, InjectedFault[], stored: boolean]>([
    ["before the key is written", ["pass", ...THREE], false],
    ["between the key and the rows", ["pass", "pass", ...THREE], false],
    ["after the rows, whose answer is lost", ["pass", "pass", "cut-after", "fail", "fail"], true],
    ["by silence", ["pass", "pass", "hang", "hang", "hang"], false],
  ])("a create that breaks off %s is 503; its repeat finishes it", async (_, fault, stored) => {
    if (fault.includes("hang")) limitCallsAsDeployed();
    const project = await newTenant();
    injectFaults(...fault);
    expectFault(await post(project), 503);
    expect(await deploymentsIn(project)).toBe(stored ? count : 0);
    proxy.decide = () => "pass";
    const repeated = await post(project);
    expect(repeated.status).toBe(200);
    expect(await deploymentsIn(project)).toBe(count);
    expect((await post(project)).json).toEqual(repeated.json);
    expect(await deploymentsIn(project)).toBe(count);
  });

  it.each<[string, InjectedFault[]]>([
    ["the key's", ["pass", "cut-after"]],
    ["the rows'", ["pass", "pass", "cut-after"]],
  ])("a lost answer to %s write: made once, and no replay", async (_, fault) => {
    const project = await newTenant();
    injectFaults(...fault);
    const reply = await post(project);
    expect([reply.status, reply.headers["idempotent-replayed"]]).toEqual([200, undefined]);
    expect(await deploymentsIn(project)).toBe(count);
  });

  it("a create that is too large is 400 and does not use up its key", async () => {
    const project = await newTenant();
    const most = 42_500;
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(most))).toString("base64");
    const large = {
      config_id: "c",
      server_ids: Array.from({ length: 100 }, (_, i) => `${i}`),
      input_values: { noise },
    };
    const headers = { "idempotency-key": "large" };
    const refused = await project.call("POST", "/software_deployments", { body: large, headers });
    expectFault(refused, 400, "body: too large");
    const small = await project.call("POST", "/software_deployments", { body: one, headers });
    expect(small.status).toBe(200);
  });

  it("a create under a key is repeated although its configurations are gone", async () => {
    const startWith = (references: string) => {
      vi.resetModules();
      vi.stubEnv("CONFIG_REFERENCES", references);
    };
    startWith("checked");
    const project = await newTenant();
    expectFault(await post(project), 400, "Config with id a-config not found");
    startWith("open");
    await post(project);
    startWith("checked");
    expect((await post(project)).headers["idempotent-replayed"]).toBe("true");
    startWith("open");
  });
});

describe("lifetime of an idempotency key", () => {
  const post = (of: Tenant, body: object = one) =>
    of.call("POST", "/software_deployments", { body, headers: { "idempotency-key": "k" } });

  it("an idempotency key stands for its request for 7 days, and then for another", async () => {
    const project = await newTenant();
    const first = await post(project);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const days = async (count: number) => {
      vi.setSystemTime(Date.now() + count * 86_400_000 - 60_000);
      const aged = await newTenant(["member"], project.project);
      return post(aged, minimal({ action: "other" }));
    };
    expectFault(await days(7), 409, "another request");
    const later = await days(0.1);
    expect(later.status).toBe(200);
    expect(later.json.software_deployment.id).not.toBe(first.json.software_deployment.id);
  });

  it("a deployment made under a key leaves, when it is deleted, a row that keeps its id taken for 7 days", async () => {
    const project = await newTenant();
    const begun = Math.floor(Date.now() / 1_000);
    const { id } = (await post(project)).json.software_deployment;
    await project.call("DELETE", `/software_deployments/${id}`);
    const [left] = (await storedItems(project.project)).filter((item) => item.id === id);
    expect(left).toEqual({ project_id: project.project, id, expires: expect.any(Number) });
    const keyEnds = left?.expires - 7 * 86_400;
    expect(keyEnds).toBeGreaterThanOrEqual(begun);
    expect(keyEnds).toBeLessThanOrEqual(Date.now() / 1_000 + 1);
    const plain = await project.deploy();
    await project.call("DELETE", `/software_deployments/${plain.id}`);
    expect((await storedItems(project.project)).filter((item) => item.id === plain.id)).toEqual([]);
  });
});

describe.runIf(hasTransactions)("create of many while DynamoDB fails", () => {
  const post = () => tenant.call("POST", "/software_deployments", { body: batch });

  it("a create of many whose answer was lost is written once", async () => {
    tenant = await newTenant();
    injectFaults("cut-after");
    expect((await post()).json.software_deployments).toHaveLength(3);
    expect(await deploymentsIn(tenant)).toBe(3);
  });

  it.each<InjectedFault>(["fail", "throttle", "cut-before", "collide"])(
    "a create of many during a fault (%s) is 503, and nothing is stored",
    async (trouble) => {
      tenant = await newTenant();
      proxy.decide = () => trouble;
      const reply = await post();
      expectFault(reply, 503);
      expect(reply.headers["retry-after"]).toMatch(/^\d+$/);
      proxy.decide = () => "pass";
      expect(await storedItems(tenant.project)).toEqual([]);
    },
  );
});

describe("If-Match while DynamoDB fails", () => {
  it("a change with If-Match whose answer was lost is 200, not 412", async () => {
    const { id } = await tenant.deploy();
    for (const [method, fault] of [
      ["PUT", ["pass", "cut-after"]],
      ["PATCH", ["pass", "cut-after"]],
      ["DELETE", ["pass", "pass", "cut-after"]],
    ] as [string, InjectedFault[]][]) {
      const { headers } = await tenant.call("GET", `/software_deployments/${id}`);
      injectFaults(...fault);
      const reply = await tenant.call(method, `/software_deployments/${id}`, {
        headers: { "if-match": headers.etag ?? "" },
        ...(method !== "DELETE" && { body: { action: method } }),
      });
      expect(reply.status).toBe(method === "DELETE" ? 204 : 200);
    }
  });

  it.each(["PUT", "PATCH"])(
    "a %s with If-Match that names nothing, and whose answer was lost, is 200, not 412",
    async (method) => {
      const { id, config_id } = await tenant.deploy();
      const { headers } = await tenant.call("GET", `/software_deployments/${id}`);
      for (const body of [{}, { config_id }]) {
        injectFaults("pass", "cut-after");
        const reply = await tenant.call(method, `/software_deployments/${id}`, {
          headers: { "if-match": headers.etag ?? "" },
          body,
        });
        expect(reply.status).toBe(200);
        headers.etag = reply.headers.etag ?? "";
      }
    },
  );
});
