import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import "../support/context.ts";
import { CONFIGS_TABLE, TABLE } from "../../infra/local/stage.ts";
import { forgetConfig } from "../../lib/config/store/read.ts";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import type { InjectedFault } from "../support/fault-proxy.ts";
import { injectFaults, operations, proxy } from "../support/fault-proxy-setup.ts";
import { expectFault } from "../support/faults.ts";
import { amount } from "../support/long.ts";
import { storedItem } from "../support/table.ts";

let tenant: Tenant;

/** A text that the index by server does not carry: random, as others are kept deflated. */
const LARGE = randomBytes(400).toString("base64");

const deployment = (id: string): string => `/software_deployments/${id}`;

beforeAll(async () => {
  tenant = await newTenant();
});

describe("calls of a request", () => {
  it("GET: GetItem; PUT: UpdateItem; list: Query; DELETE: GetItem, UpdateItem (server row), DeleteItem", async () => {
    const { id } = await tenant.deploy();
    operations();
    await tenant.call("GET", deployment(id));
    await tenant.call("PUT", deployment(id), { body: { status: "COMPLETE" } });
    await tenant.call("GET", "/software_deployments");
    await tenant.call("DELETE", deployment(id));
    expect(operations().join()).toBe("GetItem,GetItem,UpdateItem,Query,GetItem,UpdateItem,DeleteItem");
  });

  it("an id that cannot be one: no call", async () => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      await tenant.call(method, deployment("unknown"), method === "PUT" ? { body: {} } : {});
    }
    expect(operations()).toEqual([]);
  });

  it("list by server_id: Query, and BatchGetItem for values too large for the index", async () => {
    await tenant.deploy({ server_id: "s1" });
    operations();
    await tenant.call("GET", "/software_deployments?server_id=s1");
    expect(operations()).toEqual(["Query"]);
    const { id } = await tenant.deploy({ server_id: "s1", status_reason: LARGE });
    operations();
    const { json } = await tenant.call("GET", "/software_deployments?server_id=s1");
    expect(operations()).toEqual(["Query", "BatchGetItem"]);
    expect(json.software_deployments[1]).toMatchObject({ id, status_reason: LARGE });
  });

  it("metadata: Query, and BatchGetItem for large values and for configurations, which are then cached", async () => {
    const { id } = await tenant.configure();
    const reader = await newTenant(["reader"], tenant.project);
    for (let i = 0; i < 50; i += 1) await tenant.deploy({ config_id: id, server_id: "s2" });
    forgetConfig(tenant.project, id);
    operations();
    await reader.call("GET", "/software_deployments/metadata/s2");
    expect(operations()).toEqual(["Query", "BatchGetItem"]);
    const last = await tenant.deploy({ config_id: id, server_id: "s2" });
    await tenant.call("PUT", deployment(last.id), { body: { output_values: { LARGE } } });
    operations();
    await reader.call("GET", "/software_deployments/metadata/s2");
    expect(operations()).toEqual(["Query"]);
    await tenant.deploy({ config_id: id, server_id: "s2", input_values: { LARGE } });
    operations();
    const { json } = await reader.call("GET", "/software_deployments/metadata/s2");
    expect(operations()).toEqual(["Query", "BatchGetItem"]);
    expect(json.metadata[51].inputs[0]).toMatchObject({ name: "LARGE", value: LARGE });
  });

  it("metadata for a member: an UpdateItem besides for each delivery that goes out for the first time", async () => {
    const { id } = await tenant.configure();
    for (let i = 0; i < 2; i += 1) await tenant.deploy({ config_id: id, server_id: "s3" });
    forgetConfig(tenant.project, id);
    operations();
    await tenant.call("HEAD", "/software_deployments/metadata/s3");
    expect(operations()).toEqual([]);
    await tenant.call("GET", "/software_deployments/metadata/s3");
    expect(operations()).toEqual(["Query", "BatchGetItem", "UpdateItem", "UpdateItem"]);
    await tenant.call("GET", "/software_deployments/metadata/s3");
    expect(operations()).toEqual(["Query"]);
  });

  it("DELETE of a configuration: Query on the index, DeleteItem", async () => {
    const { id } = await tenant.configure();
    operations();
    await tenant.call("DELETE", `/software_configs/${id}`);
    expect(operations()).toEqual(["Query", "DeleteItem"]);
  });

  it("no request makes a Scan or a Query beyond its project", async () => {
    const queries: Record<string, any>[] = [];
    proxy.decide = (operation, input) => {
      expect(operation).not.toBe("Scan");
      if (operation === "Query") queries.push(input);
      return "pass";
    };
    await tenant.call("GET", "/software_deployments");
    await tenant.call("GET", "/software_deployments?server_id=s1");
    await tenant.call("GET", "/software_deployments/metadata/s1");
    await tenant.call("GET", "/software_configs");
    expect(queries).toHaveLength(4);
    for (const { ExpressionAttributeValues } of queries) {
      const [first] = Object.values<any>(ExpressionAttributeValues);
      expect(first.S.startsWith(tenant.project)).toBe(true);
    }
  });
});

/** An item as DynamoDB answers it, its lists aside. */
const asAnswered = (item: Record<string, unknown> = {}): object =>
  Object.fromEntries(
    Object.entries(item)
      .filter(([, value]) => !Array.isArray(value))
      .map(([name, value]) => [name, typeof value === "number" ? { N: `${value}` } : { S: value }]),
  );

describe("pages of a filtered list", () => {
  const row = (n: number) => ({
    project_id: { S: tenant.project },
    id: { S: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}` },
  });

  it("a filtered list doubles its query's pages, and ends after ten with what it found", async () => {
    const { id } = await tenant.deploy({ action: "RARE" });
    const found = asAnswered(await storedItem(tenant.project, id));
    const limits: number[] = [];
    proxy.decide = (operation, { Limit }) => {
      if (operation !== "Query") return "pass";
      limits.push(Limit);
      const Items = limits.length === 3 ? [found] : [];
      return { answer: { Items, Count: Items.length, LastEvaluatedKey: row(limits.length) } };
    };
    const { json } = await tenant.call("GET", "/software_deployments?action=RARE&limit=20");
    expect(json.software_deployments.map((one: any) => one.id)).toEqual([id]);
    expect(limits).toEqual([21, 42, 84, 168, 336, 672, 1_000, 1_000, 1_000, 1_000]);
    const { searchParams } = new URL(json.software_deployments_links[0].href);
    expect([searchParams.get("marker"), searchParams.get("action")]).toEqual([row(10).id.S, "RARE"]);
  });

  it("a filtered list without a match in fifty pages is 400 that says where to go on", async () => {
    let pages = 0;
    proxy.decide = () => {
      pages += 1;
      return { answer: { Items: [], Count: 0, LastEvaluatedKey: row(pages) } };
    };
    const reply = await tenant.call("GET", "/software_deployments?status=FAILED");
    expectFault(reply, 400, `marker=${row(50).id.S}`);
    expect(pages).toBe(50);
  });

  it("a list by server_id reads no large values of deployments that it leaves out", async () => {
    const large = { server_id: "busy", input_values: { LARGE } };
    for (let i = 0; i < 30; i += 1) await tenant.deploy({ ...large, status: "COMPLETE" });
    await tenant.deploy({ ...large, status: "FAILED" });
    const read: number[] = [];
    proxy.decide = (operation, { RequestItems }) => {
      if (operation === "BatchGetItem") read.push(RequestItems[TABLE].Keys.length);
      return "pass";
    };
    const { json } = await tenant.call("GET", "/software_deployments?server_id=busy&status=FAILED");
    expect([json.software_deployments.length, read]).toEqual([1, [1]]);
  });
});

describe("writes whose answer was lost", () => {
  /** Loses the answer to a write, and lets another change come before the SDK's repeat of it. */
  const overtakeRepeat = (
    operation: string,
    change: (input: Record<string, any>) => Promise<unknown>,
  ): void => {
    let writes = 0;
    proxy.decide = async (called, input) => {
      if (called !== operation) return "pass";
      writes += 1;
      if (writes === 1) return "cut-after";
      if (writes === 2) await change(input);
      return "pass";
    };
  };

  it("an update whose answer was lost counts once", async () => {
    const { id } = await tenant.deploy();
    injectFaults("cut-after");
    const reply = await tenant.call("PUT", deployment(id), { body: { action: "AGAIN" } });
    expect(reply.json.software_deployment).toMatchObject({ id, action: "AGAIN" });
    expect(await storedItem(tenant.project, id)).toMatchObject({ action: "AGAIN", delivery: 1 });
  });

  it("an update whose answer was lost counts once, although another change came before its repeat", async () => {
    const { id } = await tenant.deploy();
    const overtaken = async (write: () => Promise<{ status: number }>, meanwhile: object) => {
      overtakeRepeat("UpdateItem", () => tenant.call("PUT", deployment(id), { body: meanwhile }));
      expect((await write()).status).toBe(200);
    };
    await overtaken(() => tenant.call("PUT", deployment(id), { body: { action: "MINE" } }), {
      action: "THEIRS",
    });
    expect(await storedItem(tenant.project, id)).toMatchObject({ action: "THEIRS", delivery: 2 });
    await overtaken(() => tenant.call("POST", `${deployment(id)}/signal`, { body: {} }), {
      status: "IN_PROGRESS",
    });
    expect(await storedItem(tenant.project, id)).toMatchObject({ status: "IN_PROGRESS" });
    const { json } = await tenant.call("GET", `${deployment(id)}/events`);
    const history = json.events.map(({ event, fields }: any) => `${event} ${fields ?? ""}`.trim());
    expect(history.sort()).toEqual([
      "changed action",
      "changed action",
      "changed status",
      "created",
      "signalled",
    ]);
  });

  it("a create whose answer was lost is made once, although it was changed before the repeat", async () => {
    overtakeRepeat("PutItem", ({ Item }) =>
      tenant.call("PUT", deployment(Item.id.S), { body: { action: "EARLY" } }),
    );
    const { id } = await tenant.deploy();
    expect(await storedItem(tenant.project, id)).toMatchObject({ action: "EARLY", revision: 1 });
  });

  it("a removal whose answer was lost is 204, not 404", async () => {
    const { id } = await tenant.deploy();
    const config = await tenant.configure();
    injectFaults("pass", "pass", "cut-after");
    expect((await tenant.call("DELETE", deployment(id))).status).toBe(204);
    injectFaults("pass", "cut-after");
    expect((await tenant.call("DELETE", `/software_configs/${config.id}`)).status).toBe(204);
  });
});

describe("updated_time", () => {
  it("updated_time never goes back, also when a container's clock is behind another's", async () => {
    const { id } = await tenant.deploy();
    const first = await tenant.call("PUT", deployment(id), { body: { status: "COMPLETE" } });
    const { updated_time } = first.json.software_deployment;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 60_000 });
    const second = await tenant.call("PUT", deployment(id), { body: { status: "FAILED" } });
    expect(second.json.software_deployment).toMatchObject({ status: "FAILED", updated_time });
  });
});

describe("lagging index in lists and removals", () => {
  it("a configuration can be removed although the index still has its removed deployment", async () => {
    const config = await tenant.configure();
    const ghost = { project_id: { S: tenant.project }, id: { S: NOBODY } };
    injectFaults({ answer: { Items: [ghost], Count: 1 } });
    expect((await tenant.call("DELETE", `/software_configs/${config.id}`)).status).toBe(204);
  });

  it("a list leaves out a removed deployment that the index still has, and goes on after it", async () => {
    const { id } = await tenant.deploy({ server_id: "lag", config_id: "lag" });
    const rows = [NOBODY, id].map((row) => ({
      project_id: { S: tenant.project },
      id: { S: row },
      serverKey: { S: `${tenant.project}#lag` },
      input_values: { BOOL: true },
      ...{ status: { S: "COMPLETE" }, deadlineAt: { N: "9" }, changedAt: { N: "9" }, details: { M: {} } },
    }));
    for (const index of ["config_id", "server_id"]) {
      injectFaults({ answer: { Items: rows, Count: 2 } });
      const { json } = await tenant.call("GET", `/software_deployments?${index}=lag&limit=1`);
      expect(json.software_deployments.map((row: any) => row.id)).toEqual([id]);
    }
  });
});

describe("batch reads that DynamoDB answers in part", () => {
  const partly = (table: string): InjectedFault => ({
    answer: {
      Responses: { [table]: [] },
      UnprocessedKeys: { [table]: { Keys: [], ConsistentRead: true } },
    },
  });

  it("a batch read asks again for what DynamoDB left out", async () => {
    const { id } = await tenant.deploy({ config_id: "rest" });
    const Keys = [{ project_id: { S: tenant.project }, id: { S: id } }];
    const rest = { answer: { Responses: {}, UnprocessedKeys: { [TABLE]: { Keys, ConsistentRead: true } } } };
    injectFaults("pass", rest, rest);
    const { json } = await tenant.call("GET", "/software_deployments?config_id=rest");
    expect(json.software_deployments).toHaveLength(1);
    proxy.decide = (operation) => (operation === "BatchGetItem" ? rest : "pass");
    expectFault(await tenant.call("GET", "/software_deployments?config_id=rest"), 503);
  });

  it("a batch read whose rest is empty is complete", async () => {
    await tenant.deploy({ server_id: "none", config_id: NOBODY });
    injectFaults("pass", partly(CONFIGS_TABLE));
    const { json } = await tenant.call("GET", "/software_deployments/metadata/none");
    expect(json).toEqual({ metadata: [] });
  });
});

const hasTransactions = inject("engine") !== "dynalite";

/** Has the functions start anew for each test, on a stage that checks references. */
const startChecking = (): void => {
  beforeEach(() => {
    vi.resetModules();
    vi.stubEnv("CONFIG_REFERENCES", "checked");
  });
  afterAll(() => vi.resetModules());
};

describe.runIf(!hasTransactions)("configReferences: checked, on an emulator without transactions", () => {
  startChecking();

  it("with configReferences: checked and no transactions, a create is 503", async () => {
    const { id } = await tenant.configure();
    const body = { config_id: id, server_id: "s" };
    expectFault(await tenant.call("POST", "/software_deployments", { body }), 503, "transactions");
  });
});

const CHECKED = "configReferences: checked (left out on emulators without transactions)";

describe.runIf(hasTransactions)(CHECKED, () => {
  startChecking();

  it("with configReferences: checked, a create and an update are one transaction, and an unknown configuration is 400", async () => {
    const { id } = await tenant.configure();
    const foreign = await (await newTenant()).configure();
    operations();
    const made = await tenant.deploy({ config_id: id });
    expect(operations()).toEqual(["BatchGetItem", "TransactWriteItems"]);
    const other = await tenant.configure();
    operations();
    await tenant.call("PUT", deployment(made.id), { body: { config_id: other.id } });
    expect(operations()).toEqual(["GetItem", "BatchGetItem", "TransactWriteItems"]);
    for (const unknown of [NOBODY, "free text", foreign.id]) {
      const body = { config_id: unknown, server_id: "s" };
      const created = await tenant.call("POST", "/software_deployments", { body });
      expectFault(created, 400, `Config with id ${unknown} not found`);
      const updated = await tenant.call("PUT", deployment(made.id), { body: { config_id: unknown } });
      expectFault(updated, 400, `Config with id ${unknown} not found`);
    }
  });
});

describe.runIf(hasTransactions)(`${CHECKED}, in a race`, () => {
  startChecking();

  /** `PAIRS=1000 npm run vitest -- resource` tries more of them. */
  const PAIRS = amount("PAIRS", 60, 200);

  it("a create and the removal of its configuration at the same time never both succeed", async () => {
    const outcomes: Record<string, number> = {};
    const pair = async (): Promise<void> => {
      const { id } = await tenant.configure();
      const body = { config_id: id, server_id: "race" };
      const [created, removed] = await Promise.all([
        tenant.call("POST", "/software_deployments", { body }),
        tenant.call("DELETE", `/software_configs/${id}`),
      ]);
      const outcome = `create ${created.status}, remove ${removed.status}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const kept = (await tenant.call("GET", `/software_configs/${id}`)).status === 200;
      expect([outcome, kept]).toEqual([outcome, removed.status !== 204]);
      if (created.status === 200) expect(outcome, "a reference to nothing").not.toContain("remove 204");
    };
    for (let done = 0; done < PAIRS; done += 20) await Promise.all(Array.from({ length: 20 }, pair));
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(PAIRS);
  });

  it("a configuration that is being removed is refused until its mark ends; a refused removal leaves no mark", async () => {
    const { id } = await tenant.configure();
    const body = { config_id: id, server_id: "marked" };
    proxy.decide = (operation) => (operation === "DeleteItem" ? "deny" : "pass");
    expectFault(await tenant.call("DELETE", `/software_configs/${id}`), 500);
    proxy.decide = () => "pass";
    expectFault(await tenant.call("POST", "/software_deployments", { body }), 400, `Config with id ${id}`);
    expectFault(await tenant.call("DELETE", `/software_configs/${id}`), 409, "being removed");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    expect((await tenant.call("POST", "/software_deployments", { body })).status).toBe(200);
    expectFault(await tenant.call("DELETE", `/software_configs/${id}`), 409, "referenced");
    expect((await tenant.call("POST", "/software_deployments", { body })).status).toBe(200);
  });

  it("a removal sees a reference that no index has yet, also of an old deployment", async () => {
    const { id } = await tenant.configure();
    const old = await tenant.deploy({ config_id: (await tenant.configure()).id });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    const later = await newTenant(["member"], tenant.project);
    await later.call("PUT", deployment(old.id), { body: { config_id: id } });
    proxy.decide = (_, { IndexName }) => (IndexName ? { answer: { Items: [], Count: 0 } } : "pass");
    expectFault(await later.call("DELETE", `/software_configs/${id}`), 409, "referenced");
    expect((await later.call("GET", `/software_configs/${id}`)).status).toBe(200);
  });

  it("a configuration is removed although an answer is lost", async () => {
    for (const lost of ["UpdateItem", "DeleteItem"]) {
      const { id } = await tenant.configure();
      let calls = 0;
      proxy.decide = (operation) => {
        if (operation !== lost) return "pass";
        calls += 1;
        return calls === 1 ? "cut-after" : "pass";
      };
      expect((await tenant.call("DELETE", `/software_configs/${id}`)).status).toBe(204);
      expect(calls).toBe(2);
    }
  });

  it("a create of many takes 100 deployments and configurations together, and more are 400", async () => {
    const { id } = await tenant.configure();
    const servers = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);
    const post = (count: number) =>
      tenant.call("POST", "/software_deployments", { body: { config_id: id, server_ids: servers(count) } });
    expect((await post(99)).status).toBe(200);
    expectFault(await post(100), 400, "100 deployments of 1 configurations: together at most 100");
  });
});

describe("calls of a stranger", () => {
  it("a caller from another project causes only reads, whatever ids it tries", async () => {
    const { id } = await tenant.deploy();
    const stranger = await newTenant();
    operations();
    for (const one of [id, NOBODY]) {
      for (const [method, path] of [
        ["PUT", deployment(one)],
        ["PATCH", deployment(one)],
        ["POST", `${deployment(one)}/signal`],
      ] as const) {
        const body = { status: "FAILED", output_values: { a: 1 } };
        const call = { token: stranger.token, body };
        expectFault(await tenant.call(method, path, call), 404);
      }
    }
    expect(new Set(operations())).toEqual(new Set(["GetItem"]));
  });
});

describe("outage of DynamoDB", () => {
  it("every endpoint answers 503 in an outage, and nothing is lost", async () => {
    const { id } = await tenant.deploy({ server_id: "outage" });
    const before = await storedItem(tenant.project, id);
    proxy.decide = () => "fail";
    const calls: [string, string, object?][] = [
      ["GET", "/software_deployments"],
      ["GET", "/software_deployments?server_id=outage"],
      ["GET", deployment(id)],
      ["PUT", deployment(id), { status: "FAILED" }],
      ["DELETE", deployment(id)],
      ["GET", "/software_deployments/metadata/outage"],
      ["POST", "/software_configs", {}],
      ["GET", "/software_configs"],
      ["GET", `/software_configs/${NOBODY}`],
      ["DELETE", `/software_configs/${NOBODY}`],
    ];
    for (const [method, path, body] of calls) {
      expectFault(await tenant.call(method, path, body ? { body } : {}), 503);
    }
    expect(await storedItem(tenant.project, id)).toEqual(before);
  });
});
