import { deflateRawSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { request } from "../support/api.ts";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { storeAttribute, storedItem } from "../support/table.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const list = async (query = ""): Promise<Record<string, any>> => {
  const reply = await tenant.call("GET", `/software_deployments${query}`);
  expect(reply.status).toBe(200);
  return reply.json;
};

const ids = (answer: Record<string, any>): string[] => answer.software_deployments.map(({ id }: any) => id);

const show = async (id: string) =>
  (await tenant.call("GET", `/software_deployments/${id}`)).json.software_deployment;

const update = (id: string, body: unknown) => tenant.call("PUT", `/software_deployments/${id}`, { body });

describe("list deployments", () => {
  it("the list of a project without deployments is empty", async () => {
    expect(await list()).toEqual({ software_deployments: [] });
  });

  it("the list shows every deployment as GET does, by creation", async () => {
    const first = await tenant.deploy({ input_values: { a: [1, null] } });
    const second = await tenant.deploy({ server_id: "another" });
    expect(await list()).toEqual({ software_deployments: [first, second] });
  });

  it("the list by server_id ignores unknown parameters", async () => {
    const [mine] = [await tenant.deploy({ server_id: "my server/1" }), await tenant.deploy()];
    expect(ids(await list("?server_id=my%20server%2F1&foo=bar"))).toEqual([mine?.id]);
    expect(ids(await list("?server_id=unknown"))).toEqual([]);
  });

  it.each(["", "?server_id=a-server"])(
    "limit and marker page through the list one by one: %s",
    async (filter) => {
      const all = [await tenant.deploy(), await tenant.deploy(), await tenant.deploy()].map(({ id }) => id);
      const seen: string[] = [];
      let next: string | undefined = `/v1/${tenant.project}/software_deployments${filter || "?"}&limit=1`;
      while (next) {
        const { json } = await request("GET", next, { token: tenant.token });
        seen.push(...ids(json));
        const link = json.software_deployments_links?.[0];
        if (link) expect(link.rel).toBe("next");
        const address: URL | undefined = link && new URL(link.href);
        next = address && `${address.pathname}${address.search}`;
      }
      expect(seen).toEqual(all);
    },
  );

  it("a list goes on from a marker whose deployment is gone, and no link leads to an empty page", async () => {
    const [first, second, third] = [await tenant.deploy(), await tenant.deploy(), await tenant.deploy()];
    await tenant.call("DELETE", `/software_deployments/${second?.id}`);
    expect(await list(`?marker=${second?.id}&limit=1`)).toEqual({ software_deployments: [third] });
    expect(ids(await list(`?marker=${first?.id}`))).toEqual([third?.id]);
    expect(await list(`?marker=${third?.id}`)).toEqual({ software_deployments: [] });
  });

  it.each([
    ["limit=abc", "Only integer is acceptable by 'limit'."],
    ["limit=1.5", "Only integer is acceptable by 'limit'."],
    ["limit=", "Only integer is acceptable by 'limit'."],
    ["limit=-1", "Value '-1' is invalid for 'limit' which only accepts non-negative integer."],
    ["limit=0", "limit: 1 to 1000 is expected"],
    ["marker=abc", "marker"],
    [`server_id=${"s".repeat(3_000)}`, "server_id"],
  ])("the query %s is 400", async (query, words) => {
    expectFault(await tenant.call("GET", `/software_deployments?${query}`), 400, words);
  });

  it("without limit, a list that would not fit Lambda's 6 MB response comes in pages", async () => {
    // Quotes are escaped twice: 300 kB of them are 1.2 MB in the answer to API Gateway.
    const input_values = { quotes: '"'.repeat(300_000) };
    const all: string[] = [];
    for (let i = 0; i < 6; i += 1) all.push((await tenant.deploy({ input_values })).id);
    const first = await list();
    expect(ids(first).length).toBeLessThan(6);
    const lambdaAnswer = JSON.stringify({ statusCode: 200, body: JSON.stringify(first) });
    expect(Buffer.byteLength(lambdaAnswer)).toBeLessThan(6_291_556);
    const second = await list(new URL(first.software_deployments_links[0].href).search);
    expect([...ids(first), ...ids(second)]).toEqual(all);
    expect(second.software_deployments_links).toBeUndefined();
  });
});

describe("a list with a deployment that cannot be shown", () => {
  it.each([
    ["cannot be read", "{"],
    // Deflated it is small; it may have been stored before there was a bound.
    ["are too large for a response", deflateRawSync(`{"a":"${"x".repeat(7_000_000)}"}`)],
  ])("a deployment whose values %s is listed without them, with a warning", async (why, stored) => {
    const first = await tenant.deploy();
    const bad = await tenant.deploy({ action: "BAD" });
    const last = await tenant.deploy();
    await storeAttribute(tenant.project, bad.id, "input_values", stored);
    const { status, json } = await tenant.call("GET", "/software_deployments");
    expect(status).toBe(200);
    expect(json.software_deployments.map(({ id }: any) => id)).toEqual([first.id, bad.id, last.id]);
    expect(json.software_deployments[1]).toMatchObject({
      action: "BAD",
      input_values: null,
      output_values: null,
      warning: `input_values and output_values are left out: they ${why}`,
    });
    expect(json.software_deployments[0]).not.toHaveProperty("warning");
  });
});

describe("show a deployment", () => {
  it("GET shows what create answered", async () => {
    const deployment = await tenant.deploy({
      input_values: { n: 1.5, deep: { list: [{}] } },
      action: "UPDATE",
    });
    expect(await show(deployment.id)).toEqual(deployment);
  });

  it.each([NOBODY, "unknown", "01a2.json", "x".repeat(2_000)])("answers 404 for %s", async (id) => {
    expectFault(
      await tenant.call("GET", `/software_deployments/${id}`),
      404,
      `Deployment with id ${id} not found`,
    );
  });

  it("GET shows every digit and every byte of the inputs", async () => {
    const body =
      '{"config_id":"c","server_id":"s","input_values":{"n":9007199254740993,"s":"\\u0000\\ud800😀"}}';
    const created = await tenant.call("POST", "/software_deployments", { body });
    const shown = await tenant.call("GET", `/software_deployments/${created.json.software_deployment.id}`);
    expect(shown.text).toBe(created.text);
  });

  it("HEAD is answered without a body", async () => {
    const { id } = await tenant.deploy();
    const reply = await tenant.call("HEAD", `/software_deployments/${id}`);
    expect([reply.status, reply.text]).toEqual([200, ""]);
    expect((await tenant.call("HEAD", `/software_deployments/${NOBODY}`)).status).toBe(404);
  });

  it("times have no Z for OTC's Go SDK, and one for all others", async () => {
    const { id, creation_time } = await tenant.deploy();
    const headers = { "user-agent": "OpenTelekomCloud Terraform golangsdk/2.0.0" };
    const { json } = await tenant.call("GET", `/software_deployments/${id}`, { headers });
    expect(json.software_deployment.creation_time).toBe(creation_time.replace("Z", ""));
  });
});

describe("update a deployment", () => {
  it("PUT changes the fields that it names, moves updated_time, and answers the whole deployment", async () => {
    const before = await tenant.deploy({ input_values: { a: 1 }, action: "CREATE" });
    const change = {
      status: "COMPLETE",
      output_values: { deploy_stdout: "hi", deploy_status_code: 0 },
      status_reason: "Outputs received",
    };
    const { status, json } = await update(before.id, change);
    expect(status).toBe(200);
    expect(json.software_deployment).toEqual({
      ...before,
      ...change,
      updated_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(Object.keys(json.software_deployment).at(-1)).toBe("updated_time");
    expect(await show(before.id)).toEqual(json.software_deployment);
  });

  it("PUT replaces maps, and never merges them", async () => {
    const { id } = await tenant.deploy({ input_values: { a: 1, b: 2 } });
    await update(id, { input_values: { c: 3 }, output_values: { x: 1 } });
    await update(id, { output_values: { only: 1 } });
    expect(await show(id)).toMatchObject({ input_values: { c: 3 }, output_values: { only: 1 } });
  });

  it("PUT leaves null, empty and absent fields as they are; {} only moves updated_time", async () => {
    const before = await tenant.deploy({ input_values: { a: 1 }, action: "A", status_reason: "r" });
    const empties = { input_values: {}, action: "", status: null, status_reason: "", config_id: "" };
    for (const body of [{}, empties]) {
      const { updated_time, ...after } = (await update(before.id, body)).json.software_deployment;
      expect(after).toEqual(before);
      expect(updated_time).toBeDefined();
    }
  });

  it("PUT ignores id and server_id, and sets any status after any", async () => {
    const before = await tenant.deploy();
    await update(before.id, { id: NOBODY, server_id: "another", stack_user_project_id: "p", x: 1 });
    for (const status of ["COMPLETE", "IN_PROGRESS", "FAILED", "COMPLETE"]) {
      expect((await update(before.id, { status })).json.software_deployment.status).toBe(status);
    }
    expect(await show(before.id)).toMatchObject({ id: before.id, server_id: before.server_id });
  });

  it("PUT moves a deployment to another configuration", async () => {
    const { id } = await tenant.deploy();
    await update(id, { config_id: "another" });
    expect(await storedItem(tenant.project, id)).toMatchObject({
      config_id: "another",
      configKey: `${tenant.project}#another`,
    });
  });

  it("of two PUTs at the same time to different fields both stay", async () => {
    const { id } = await tenant.deploy();
    const changes = Array.from({ length: 10 }, (_, i) => [
      update(id, { status_reason: `reason ${i}` }),
      update(id, { output_values: { i } }),
      update(id, { timeout: 100 + i }),
    ]).flat();
    expect((await Promise.all(changes)).map(({ status }) => status)).toEqual(changes.map(() => 200));
    expect(await show(id)).toMatchObject({
      status_reason: expect.stringMatching(/^reason/),
      output_values: { i: expect.any(Number) },
      timeout: expect.any(Number),
    });
  });

  it("PUT of a deployment that was removed is 404, and does not bring it back", async () => {
    const { id } = await tenant.deploy();
    await tenant.call("DELETE", `/software_deployments/${id}`);
    expectFault(await update(id, { status: "COMPLETE" }), 404, `Deployment with id ${id} not found`);
    expect(await storedItem(tenant.project, id)).toBeUndefined();
    expectFault(await update("unknown", {}), 404);
  });

  it.each([
    [{ status: "DONE" }, "status"],
    [{ input_values: "x" }, "input_values"],
    [{ output_values: [1] }, "output_values"],
    [{ config_id: 5 }, "config_id"],
    [{ action: "a".repeat(256) }, "action"],
    [{ software_deployment: { status: "COMPLETE" } }, "software_deployment"],
    [[], "body"],
    ["{", "body"],
  ])("PUT of %j is 400 and changes nothing", async (body, words) => {
    const before = await tenant.deploy();
    expectFault(await update(before.id, body), 400, words);
    expect(await show(before.id)).toEqual(before);
  });

  it("PUT of a value that is too large for an item is 400 that names the field", async () => {
    const noise = (uuids: number) => Array.from({ length: uuids }, () => crypto.randomUUID()).join("");
    const before = await tenant.deploy({ input_values: { noise: noise(6_000) } });
    // More than an item alone, and more than is left beside the inputs.
    for (const uuids of [22_000, 17_000]) {
      expectFault(await update(before.id, { output_values: { noise: noise(uuids) } }), 400, "output_values");
    }
    expect(await show(before.id)).toEqual(before);
  });

  it("PUT needs the role of a member", async () => {
    const { id } = await tenant.deploy();
    const reader = await newTenant(["reader"], tenant.project);
    expectFault(await reader.call("PUT", `/software_deployments/${id}`, { body: {} }), 401);
    expectFault(await reader.call("DELETE", `/software_deployments/${id}`), 401);
    expect((await reader.call("GET", `/software_deployments/${id}`)).status).toBe(200);
  });
});

describe("remove a deployment", () => {
  it("DELETE is 204 without a body, and then 404", async () => {
    const { id } = await tenant.deploy();
    const reply = await tenant.call("DELETE", `/software_deployments/${id}`);
    expect([reply.status, reply.text]).toEqual([204, ""]);
    const again = await tenant.call("DELETE", `/software_deployments/${id}`);
    expectFault(again, 404, `Deployment with id ${id} not found`);
    expectFault(await tenant.call("DELETE", "/software_deployments/unknown"), 404);
    expect(await list()).toEqual({ software_deployments: [] });
    expect(await list("?server_id=a-server")).toEqual({ software_deployments: [] });
  });

  it("DELETE ignores a body", async () => {
    const { id } = await tenant.deploy();
    expect((await tenant.call("DELETE", `/software_deployments/${id}`, { body: { x: 1 } })).status).toBe(204);
  });
});
