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

describe("create with an Idempotency-Key", () => {
  it("a repeated create under a key makes one deployment, answers its present state, and is marked as a replay", async () => {
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

  it("another request under the same key is 409 and changes nothing", async () => {
    await post("k");
    for (const other of [minimal({ action: "B" }), [minimal()], minimal({ input_values: {} })]) {
      expectFault(await post("k", other), 409, "another request was made under this key");
    }
    expect(await count()).toBe(1);
  });

  it("requests under a key are equal as JSON is: key order at any depth, the text of numbers, null for absent", async () => {
    const text = (input_values: string, more = "") =>
      `{"config_id":"c","server_id":"s","input_values":${input_values}${more}}`;
    const equal = [
      text('{"a":1,"b":{"c":[2,"\u00e9"],"d":null}}'),
      text('{"b":{"d":null,"c":[2.0,"é"]},"a":1}'),
      text('{"a":1.0,"b":{"c":[2e0,"é"],"d":null}}', ',"action":null,"timeout":null'),
    ];
    for (const [at, body] of equal.entries()) {
      const reply = await post("k", body);
      expect([reply.status, reply.headers["idempotent-replayed"]]).toEqual([
        200,
        at > 0 ? "true" : undefined,
      ]);
    }
    for (const other of ['{"a":1,"b":{"c":[2,"é"]}}', '{"a":"1","b":{"c":[2,"é"],"d":null}}'])
      expectFault(await post("k", text(other)), 409);
  });

  it("requests under a key are equal whatever their ignored fields and the order of fields", async () => {
    await post("k", minimal({ action: "A", note: 1 }));
    expect((await post("k", { action: "A", ...minimal() })).headers["idempotent-replayed"]).toBe("true");
  });

  it("a repeat after the deployment was deleted is 409, and does not bring it back", async () => {
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

  it("the same key in two projects makes two deployments", async () => {
    const other = await newTenant();
    const [mine, theirs] = [await post("k"), await post("k", minimal(), other)];
    expect(theirs.headers["idempotent-replayed"]).toBeUndefined();
    expect(theirs.json.software_deployment.id).not.toBe(mine.json.software_deployment.id);
  });

  it("a request that is refused does not use up its key", async () => {
    expectFault(await post("k", minimal({ status: "DONE" })), 400, "status");
    expect((await post("k")).headers["idempotent-replayed"]).toBeUndefined();
  });

  it("50 creates at a time under one key make one deployment, and get equal answers", async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => post("k")));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies.filter(({ headers }) => headers["idempotent-replayed"] === undefined)).toHaveLength(1);
    expect(await count()).toBe(1);
  });

  it.each(["", "two words", "k".repeat(256), "é"])("the Idempotency-Key %j is 400", async (key) => {
    const headers = { "Idempotency-Key": key };
    const body = minimal();
    expectFault(
      await tenant.call("POST", "/software_deployments", { body, headers }),
      400,
      "Idempotency-Key",
    );
    expect(await count()).toBe(0);
  });

  it("an Idempotency-Key of 255 visible characters is accepted", async () => {
    expect((await post(`!~"${"k".repeat(252)}`)).status).toBe(200);
  });

  it("the record of a key shows up in no list and no index", async () => {
    await post("k");
    const { json } = await tenant.call("GET", "/software_deployments?sort_dir=desc");
    expect(json.software_deployments).toHaveLength(1);
    expectFault(await tenant.call("GET", "/software_deployments/key%23abc"), 404);
  });
});
