import { beforeAll, describe, expect, it, vi } from "vitest";
import { request } from "../support/api.ts";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import { operations, proxy } from "../support/fault-proxy-setup.ts";
import { expectFault } from "../support/faults.ts";
import { storedItem } from "../support/table.ts";

const DAY = 86_400;

let tenant: Tenant;

beforeAll(() => {
  // The handlers are imported at the first request, and the stage's setting is read then.
  process.env.RETENTION_DAYS = "2";
});

/** Lets time pass, in seconds; tokens last an hour. */
const later = async (seconds: number): Promise<Tenant> => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1_000 });
  return newTenant(["member"], tenant.project);
};

const expiresOf = async (id: string): Promise<number | undefined> =>
  (await storedItem(tenant.project, id))?.expires;

const fromNow = (seconds: number) => {
  const expected = Date.now() / 1_000 + seconds;
  // Days are told apart, and no test takes that long.
  return { asymmetricMatch: (value: number) => Math.abs(value - expected) < 3_600 };
};

const show = async (of: Tenant, id: string) => of.call("GET", `/software_deployments/${id}`);

describe("retentionDays", () => {
  beforeAll(async () => {
    tenant = await newTenant();
  });

  it("a finished deployment ends retentionDays after its last change", async () => {
    const done = await tenant.deploy({ status: "COMPLETE" });
    const running = await tenant.deploy();
    const limited = await tenant.deploy({ timeout: 3_600 });
    expect(await expiresOf(done.id)).toEqual(fromNow(2 * DAY));
    expect(await expiresOf(running.id)).toBeUndefined();
    expect(await expiresOf(limited.id)).toEqual(fromNow(2 * DAY + 3_600));
    const update = (id: string, body: object) => tenant.call("PUT", `/software_deployments/${id}`, { body });
    await update(done.id, { status: "IN_PROGRESS" });
    expect(await expiresOf(done.id)).toBeUndefined();
    await update(done.id, { timeout: 60 });
    expect(await expiresOf(done.id)).toEqual(fromNow(2 * DAY + 60));
    await update(done.id, { status: "FAILED" });
    expect(await expiresOf(done.id)).toEqual(fromNow(2 * DAY));
    await update(done.id, { action: "AGAIN" });
    expect(await expiresOf(done.id)).toEqual(fromNow(2 * DAY + 60));
    await tenant.call("POST", `/software_deployments/${running.id}/signal`, { body: {} });
    expect(await expiresOf(running.id)).toEqual(fromNow(2 * DAY));
    await tenant.call("POST", `/software_deployments/${running.id}/rerun`);
    expect(await expiresOf(running.id)).toBeUndefined();
  });

  it("a deployment past its retention is 404 for every reader and every change", async () => {
    const { id: config_id } = await tenant.configure();
    const { id } = await tenant.deploy({ status: "FAILED", server_id: "gone", config_id });
    const link = (await tenant.call("POST", "/software_deployments/metadata/gone/link")).json.metadata_url;
    const target = link.slice(new URL(link).origin.length);
    const etag = (await request("GET", target)).headers.etag ?? "";
    expect((await (await later(2 * DAY - 60)).call("GET", `/software_deployments/${id}`)).status).toBe(200);
    vi.useRealTimers();
    const after = await later(2 * DAY + 1);
    expectFault(await show(after, id), 404);
    for (const [method, path, body] of [
      ["PUT", "", { action: "X" }],
      ["PATCH", "", {}],
      ["POST", "/rerun", undefined],
      ["POST", "/signal", {}],
      ["GET", "/events", undefined],
      ["DELETE", "", undefined],
    ] as const) {
      const reply = await after.call(method, `/software_deployments/${id}${path}`, body ? { body } : {});
      expectFault(reply, 404);
    }
    for (const query of ["server_id=gone", `config_id=${config_id}`, "status=FAILED"]) {
      const { json } = await after.call("GET", `/software_deployments?${query}`);
      expect(json.software_deployments.filter((row: any) => row.id === id)).toEqual([]);
    }
    const metadata = await after.call("GET", "/software_deployments/metadata/gone");
    expect(metadata.json).toEqual({ metadata: [] });
    const collected = await request("GET", target, { headers: { "if-none-match": etag } });
    expect([collected.status, collected.json.deployments]).toEqual([200, []]);
    expect((await after.call("DELETE", `/software_configs/${config_id}`)).status).toBe(204);
  });

  it("a deployment that has run for long is not gone because it gets a time limit", async () => {
    const { id } = await tenant.deploy();
    const aged = await later(5 * DAY);
    const { json } = await aged.call("PUT", `/software_deployments/${id}`, { body: { timeout: 3_600 } });
    expect(json.software_deployment.status).toBe("FAILED");
    expect((await show(aged, id)).status).toBe(200);
    expect(await expiresOf(id)).toEqual(fromNow(2 * DAY));
  });

  it("a deployment that ends while a change is on its way stays gone", async () => {
    const { id } = await tenant.deploy({ status: "COMPLETE" });
    const ends = Date.now() + 2 * DAY * 1_000;
    const aged = await later(2 * DAY - 60);
    operations();
    // It ends between the read, which finds it, and the write.
    proxy.decide = (operation) => {
      if (operation === "GetItem") vi.setSystemTime(ends + 2_000);
      return "pass";
    };
    expectFault(await aged.call("PUT", `/software_deployments/${id}`, { body: {} }), 404);
    expect(operations()).toEqual(["GetItem"]);
    expectFault(await show(aged, id), 404);
  });

  it("the retention of a timed-out deployment counts from its deadline", async () => {
    const { id } = await tenant.deploy({ timeout: DAY });
    const failed = await (await later(3 * DAY - 60)).call("GET", `/software_deployments/${id}`);
    expect(failed.json.software_deployment.status).toBe("FAILED");
    vi.useRealTimers();
    expectFault(await show(await later(3 * DAY + 1), id), 404);
  });

  it("a deployment in progress without a time limit does not end", async () => {
    const { id } = await tenant.deploy();
    expect((await show(await later(300 * DAY), id)).status).toBe(200);
  });

  it("a deployment made under a key keeps its row for the key's 7 days, and a repeat does not bring it back", async () => {
    const post = (of: Tenant) => {
      const headers = { "idempotency-key": "k" };
      return of.call("POST", "/software_deployments", { body: minimal({ status: "COMPLETE" }), headers });
    };
    const { id } = (await post(tenant)).json.software_deployment;
    expect(await expiresOf(id)).toEqual(fromNow(7 * DAY));
    expectFault(await post(await later(2 * DAY + 1)), 409, id);
  });
});
