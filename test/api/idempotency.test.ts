import { beforeEach, describe, expect, it } from "vitest";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const post = (key: string, body: unknown = minimal(), of = tenant) =>
  of.call("POST", "/software_deployments", { body, headers: { "Idempotency-Key": key } });

const count = async (of = tenant): Promise<number> =>
  (await of.call("GET", "/software_deployments")).json.software_deployments.length;

describe("a create under an Idempotency-Key", () => {
  it("counts once, and every repeat answers its present state and says that it is one", async () => {
    const first = await post("k1", minimal({ input_values: { b: 1, a: 2 } }));
    expect([first.status, first.headers["idempotent-replayed"]]).toEqual([200, undefined]);
    const { id } = first.json.software_deployment;
    const again = await post("k1", minimal({ input_values: { b: 1, a: 2 } }));
    expect([again.status, again.headers["idempotent-replayed"], again.json]).toEqual([
      200,
      "true",
      first.json,
    ]);
    expect(again.headers.etag).toBe(first.headers.etag);
    await tenant.call("PUT", `/software_deployments/${id}`, { body: { status: "COMPLETE" } });
    const later = await post("k1", minimal({ input_values: { b: 1, a: 2 } }));
    expect(later.json.software_deployment).toMatchObject({ id, status: "COMPLETE" });
    expect(await count()).toBe(1);
  });

  it("is 409 for another request, which changes nothing", async () => {
    await post("k");
    for (const other of [minimal({ action: "B" }), [minimal()], minimal({ input_values: {} })]) {
      expectFault(await post("k", other), 409, "another request was made under this key");
    }
    expect(await count()).toBe(1);
  });

  it("takes fields that are ignored, and the order of fields, for no difference", async () => {
    await post("k", minimal({ action: "A", note: 1 }));
    expect((await post("k", { action: "A", ...minimal() })).headers["idempotent-replayed"]).toBe("true");
  });

  it("is 409 once its deployment was deleted, and does not come back", async () => {
    const { json } = await post("k");
    const { id } = json.software_deployment;
    expect((await tenant.call("DELETE", `/software_deployments/${id}`)).status).toBe(204);
    expectFault(await post("k"), 409, id, "deleted");
    expect(await count()).toBe(0);
    const gone = `/software_deployments/${id}`;
    expectFault(await tenant.call("GET", gone), 404);
    expectFault(await tenant.call("PUT", gone, { body: {} }), 404);
    expectFault(await tenant.call("PATCH", gone, { body: {} }), 404);
    expectFault(await tenant.call("DELETE", gone), 404);
    expectFault(await tenant.call("GET", `${gone}/events`), 404);
    expectFault(await tenant.call("POST", `${gone}/signal`, { body: {} }), 404);
    const byServer = await tenant.call("GET", "/software_deployments?server_id=a-server");
    expect(byServer.json).toEqual({ software_deployments: [] });
    expect((await post("another")).status).toBe(200);
  });

  it("is its project's own", async () => {
    const other = await newTenant();
    const [mine, theirs] = [await post("k"), await post("k", minimal(), other)];
    expect(theirs.headers["idempotent-replayed"]).toBeUndefined();
    expect(theirs.json.software_deployment.id).not.toBe(mine.json.software_deployment.id);
  });

  it("is not used up by a request that is refused", async () => {
    expectFault(await post("k", minimal({ status: "DONE" })), 400, "status");
    expect((await post("k")).headers["idempotent-replayed"]).toBeUndefined();
  });

  it("counts once of 50 at a time: one row, 50 equal answers", async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => post("k")));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies.filter(({ headers }) => headers["idempotent-replayed"] === undefined)).toHaveLength(1);
    expect(await count()).toBe(1);
  });

  it.each(["", "two words", "k".repeat(256), "é"])("refuses the key %j", async (key) => {
    const headers = { "Idempotency-Key": key };
    const body = minimal();
    expectFault(
      await tenant.call("POST", "/software_deployments", { body, headers }),
      400,
      "Idempotency-Key",
    );
    expect(await count()).toBe(0);
  });

  it("may have 255 visible characters", async () => {
    expect((await post(`!~"${"k".repeat(252)}`)).status).toBe(200);
  });

  it("shows up in no list and no index", async () => {
    await post("k");
    const { json } = await tenant.call("GET", "/software_deployments?sort_dir=desc");
    expect(json.software_deployments).toHaveLength(1);
    expectFault(await tenant.call("GET", "/software_deployments/key%23abc"), 404);
  });
});
