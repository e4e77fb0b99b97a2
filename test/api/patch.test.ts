import { beforeEach, describe, expect, it } from "vitest";
import { request } from "../support/api.ts";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { storeAttribute } from "../support/table.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const patch = (id: string, body: unknown, headers = {}) =>
  tenant.call("PATCH", `/software_deployments/${id}`, { body, headers });

const show = async (id: string) =>
  (await tenant.call("GET", `/software_deployments/${id}`)).json.software_deployment;

describe("patch a deployment", () => {
  it("null in a PATCH clears a field that PUT cannot clear, and leaves the rest", async () => {
    const given = { action: "A", input_values: { a: 1 }, status_reason: "because", timeout: 60 };
    const { id } = await tenant.deploy(given);
    await tenant.call("PUT", `/software_deployments/${id}`, { body: { output_values: { o: 1 } } });
    const nulls = {
      action: null,
      input_values: null,
      output_values: null,
      status_reason: null,
      timeout: null,
    };
    const reply = await patch(id, nulls, { "content-type": "application/merge-patch+json" });
    expect(reply.status).toBe(200);
    const { action, input_values, output_values, status_reason, status } = reply.json.software_deployment;
    expect({ action, input_values, output_values, status_reason, status }).toEqual({
      ...{ action: null, input_values: null, output_values: null, status_reason: null },
      status: "IN_PROGRESS",
    });
    expect(reply.json.software_deployment).not.toHaveProperty("timeout");
    expect(await show(id)).toEqual(reply.json.software_deployment);
  });

  it("a PATCH that empties absent input_values begins no run", async () => {
    const { id } = await tenant.deploy({ status: "COMPLETE" });
    for (const input_values of [{}, { x: null }]) {
      await patch(id, { input_values });
      expect(await show(id)).toMatchObject({ status: "COMPLETE", input_values: null });
    }
  });

  it("PATCH merges objects, and replaces all else", async () => {
    const { id } = await tenant.deploy({
      input_values: { a: { b: 1, c: 2 }, list: [1, 2], gone: 1, n: 9007199254740993n.toString() },
    });
    const text =
      '{"input_values":{"a":{"b":null,"d":{"e":null,"f":1}},"list":[3],"gone":null,"big":9007199254740993}}';
    expect((await patch(id, text)).status).toBe(200);
    const reply = await tenant.call("GET", `/software_deployments/${id}`);
    expect(reply.text).toContain('"big":9007199254740993');
    expect(reply.json.software_deployment.input_values).toEqual({
      a: { c: 2, d: { f: 1 } },
      list: [3],
      n: "9007199254740993",
      big: expect.anything(),
    });
  });

  it("PATCH merges beside stored members of any name, and changes no prototype", async () => {
    const { id } = await tenant.deploy({ input_values: { b: 2 } });
    await storeAttribute(tenant.project, id, "input_values", '{"__proto__":{"a":1},"b":2}');
    const more = await patch(id, '{"input_values":{"constructor":{"name":"d"},"toString":4}}');
    expect(more.text).toContain('{"__proto__":{"a":1},"b":2,"constructor":{"name":"d"},"toString":4}');
    const less = await patch(id, '{"input_values":{"constructor":null,"toString":null}}');
    expect(less.text).toContain('"input_values":{"__proto__":{"a":1},"b":2},');
    expectFault(await patch(id, '{"input_values":{"__proto__":null}}'), 400, "__proto__");
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  it('PATCH makes an object where there was none, and takes "" for a text', async () => {
    const { id } = await tenant.deploy({ action: "A" });
    await patch(id, { input_values: { a: { b: 1 } }, output_values: {}, action: "" });
    expect(await show(id)).toMatchObject({ input_values: { a: { b: 1 } }, output_values: {}, action: "" });
  });

  it("a small PATCH, and one that removes results, fit a deployment that is full of results", async () => {
    const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(48_000))).toString("base64");
    const large = (count: number) => Array.from({ length: count }, noise).join("");
    const { id } = await tenant.deploy();
    const results = { deploy_stdout: large(12) };
    await tenant.call("POST", `/software_deployments/${id}/signal`, { body: results });
    await tenant.call("PUT", `/software_deployments/${id}`, { body: { status_reason: "r".repeat(8_000) } });
    expect((await patch(id, { action: "A" })).status).toBe(200);
    const swap = await patch(id, { output_values: null, input_values: { a: large(2) } });
    expect([swap.status, swap.json.software_deployment?.output_values]).toEqual([200, null]);
  });

  it("a PATCH that would make a value larger than a body is 400", async () => {
    const { id } = await tenant.deploy();
    expect((await patch(id, { output_values: { a: "a".repeat(1_000_000) } })).status).toBe(200);
    expectFault(
      await patch(id, { output_values: { b: "b".repeat(100_000) } }),
      400,
      "output_values: too large",
    );
    expect(Object.keys((await show(id)).output_values)).toEqual(["a"]);
  });

  it("PATCHes at the same time all stay", async () => {
    const { id } = await tenant.deploy();
    const names = ["a", "b", "c", "d"];
    const replies = await Promise.all(names.map((name) => patch(id, { input_values: { [name]: 1 } })));
    const done = names.filter((_, i) => replies[i]?.status === 200);
    for (const reply of replies) expect([200, 503]).toContain(reply.status);
    expect(done.length).toBeGreaterThan(0);
    expect((await show(id)).input_values).toEqual(Object.fromEntries(done.map((name) => [name, 1])));
  });

  it.each([
    ['{"config_id":null}', "config_id"],
    ['{"status":null}', "status"],
    ['{"status":"DONE"}', "status"],
    ['{"input_values":[]}', "input_values"],
    ['{"timeout":-1}', "timeout"],
    ["[]", "body"],
    ["null", "body"],
    ['{"software_deployment":{}}', "top level"],
  ])("a PATCH with %s is 400 and changes nothing", async (body, words) => {
    const { id } = await tenant.deploy();
    const before = await show(id);
    expectFault(await patch(id, body), 400, words);
    expect(await show(id)).toEqual(before);
  });

  it("PATCH is for members, and for the delegated tenant's result", async () => {
    const delegate = await newTenant(["heat_stack_user"]);
    const { id } = await tenant.deploy({ stack_user_project_id: delegate.project });
    const path = `/v1/${tenant.project}/software_deployments/${id}`;
    const by = (body: object) => request("PATCH", path, { token: delegate.token, body });
    expect((await by({ status: "FAILED", output_values: { a: 1 } })).status).toBe(200);
    expect((await by({ output_values: null })).json.software_deployment.output_values).toBeNull();
    expectFault(await by({ action: null }), 401, "action");
    const reader = await newTenant(["reader"], tenant.project);
    expectFault(await reader.call("PATCH", `/software_deployments/${id}`, { body: {} }), 401);
    expectFault(await patch(NOBODY, {}), 404);
  });

  it("a PATCH of what is to be run makes a new delivery", async () => {
    const { id: config_id } = await tenant.configure();
    const { id } = await tenant.deploy({ config_id, action: "A", input_values: { a: 1 } });
    const delivered = async () =>
      (await tenant.call("GET", "/software_deployments/metadata/a-server")).json.metadata[0].id;
    const first = await delivered();
    for (const same of [{ status_reason: null }, { action: "A", input_values: { a: 1, b: null } }]) {
      await patch(id, same);
      expect(await delivered()).toBe(first);
    }
    await patch(id, { action: null });
    expect(await delivered()).not.toBe(first);
  });
});
