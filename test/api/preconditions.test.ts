import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { later, stopClock } from "../support/clock.ts";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

afterEach(() => {
  vi.useRealTimers();
});

const address = (id: string): string => `/software_deployments/${id}`;

const etagOf = async (path: string): Promise<string> => (await tenant.call("GET", path)).headers.etag ?? "";

describe("ETag", () => {
  it("a deployment's ETag changes with every change, and not when it is collected", async () => {
    const created = await tenant.call("POST", "/software_deployments", {
      body: { config_id: "c", server_id: "s" },
    });
    const { id } = created.json.software_deployment;
    const tags = [created.headers.etag];
    expect(await etagOf(address(id))).toBe(created.headers.etag);
    for (const method of ["PUT", "PATCH"]) {
      const reply = await tenant.call(method, address(id), { body: {} });
      expect(await etagOf(address(id))).toBe(reply.headers.etag);
      tags.push(reply.headers.etag);
    }
    tags.push((await tenant.call("POST", `${address(id)}/rerun`)).headers.etag);
    await tenant.call("POST", `${address(id)}/signal`, { body: {} });
    tags.push(await etagOf(address(id)));
    expect(new Set(tags).size).toBe(5);
    for (const tag of tags) expect(tag).toMatch(/^"[!-~]+"$/);
  });

  it("a view that shows more has another ETag, and If-Match accepts that of every view", async () => {
    const { id } = await tenant.deploy({ config_id: (await tenant.configure()).id });
    const before = await etagOf(address(id));
    await tenant.call("GET", "/software_deployments/metadata/a-server");
    const after = await etagOf(address(id));
    const golang = { "user-agent": "golangsdk/2.0.0" };
    const reply = await tenant.call("GET", address(id), { headers: golang });
    const tags = [before, after, reply.headers.etag ?? ""];
    expect(new Set(tags).size).toBe(3);
    expect(new Set(tags.map((tag) => tag.split(".")[0]))).toEqual(new Set(['"0']));
    for (const { headers } of [reply, await tenant.call("GET", address(id))])
      expect(headers.vary).toBe("User-Agent");
    const same = await tenant.call("GET", address(id), { headers: { "if-none-match": before } });
    expect(same.status).toBe(200);
    for (const [at, tag] of [...tags, '"3"'].entries()) {
      const headers = { "if-match": tag.replace(/^"0/, `"${at}`) };
      expect((await tenant.call("PUT", address(id), { body: { action: `${at}` }, headers })).status).toBe(
        200,
      );
    }
  });

  it("a configuration has an ETag", async () => {
    const created = await tenant.call("POST", "/software_configs", { body: {} });
    const path = `/software_configs/${created.json.software_config.id}`;
    const { etag = "" } = created.headers;
    expect(await etagOf(path)).toBe(etag);
    expect((await tenant.call("GET", path, { headers: { "if-none-match": etag } })).status).toBe(304);
    expectFault(await tenant.call("DELETE", path, { headers: { "if-match": '"other"' } }), 412, "If-Match");
    const missing = `/software_configs/${NOBODY}`;
    expectFault(await tenant.call("DELETE", missing, { headers: { "if-match": "*" } }), 404);
    expect((await tenant.call("DELETE", path, { headers: { "if-match": etag } })).status).toBe(204);
  });
});

describe("If-None-Match", () => {
  it("GET and HEAD with If-None-Match are 304 while nothing has changed", async () => {
    const { id } = await tenant.deploy();
    const etag = await etagOf(address(id));
    for (const method of ["GET", "HEAD"]) {
      for (const tags of [etag, `"x", W/${etag}`, "*"]) {
        const reply = await tenant.call(method, address(id), { headers: { "if-none-match": tags } });
        expect([reply.status, reply.text, reply.headers.etag]).toEqual([304, "", etag]);
      }
      const other = await tenant.call(method, address(id), { headers: { "if-none-match": '"other"' } });
      expect(other.status).toBe(200);
    }
    await tenant.call("PUT", address(id), { body: {} });
    const changed = await tenant.call("GET", address(id), { headers: { "if-none-match": etag } });
    expect(changed.status).toBe(200);
  });
});

describe("If-Match", () => {
  const change = (method: string, id: string, tag: string) =>
    tenant.call(method, address(id), {
      headers: { "if-match": tag },
      ...(method === "DELETE" ? {} : { body: { status_reason: "changed" } }),
    });

  it.each(["PUT", "PATCH", "DELETE"])(
    "%s with If-Match passes while the ETag is the same; else it is 412 and changes nothing",
    async (method) => {
      const { id } = await tenant.deploy();
      const first = await etagOf(address(id));
      await tenant.call("PUT", address(id), { body: { action: "B" } });
      const before = await tenant.call("GET", address(id));
      for (const tag of [first, '"x"', `W/${before.headers.etag}`, "garbage", ""]) {
        expectFault(await change(method, id, tag), 412, "If-Match");
      }
      expect((await tenant.call("GET", address(id))).text).toBe(before.text);
      const reply = await change(method, id, `"x", ${before.headers.etag}`);
      expect(reply.status).toBe(method === "DELETE" ? 204 : 200);
    },
  );

  it.each(["PUT", "PATCH", "DELETE"])("If-Match: * lets %s pass where there is something", async (method) => {
    const { id } = await tenant.deploy();
    expectFault(await change(method, NOBODY, "*"), 404);
    expect((await change(method, id, "*")).status).toBeLessThan(300);
  });

  it("of many changes at a time with the same If-Match one passes", async () => {
    const { id } = await tenant.deploy();
    const tag = await etagOf(address(id));
    const replies = await Promise.all(Array.from({ length: 10 }, () => change("PUT", id, tag)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
    const { json } = await tenant.call("GET", `${address(id)}/events`);
    expect(json.events).toHaveLength(2);
  });

  it("a passed time limit changes the ETag: If-Match with the one from before is 412", async () => {
    stopClock();
    const { id } = await tenant.deploy({ timeout: 1 });
    const before = await etagOf(address(id));
    await later(1_100);
    const after = await etagOf(address(id));
    expect(after).not.toBe(before);
    expectFault(await change("PUT", id, before), 412);
    const reply = await change("PUT", id, after);
    expect(reply.json.software_deployment).toMatchObject({ status: "FAILED", status_reason: "changed" });
  });
});
