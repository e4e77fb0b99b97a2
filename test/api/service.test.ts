import { describe, expect, it } from "vitest";
import { request } from "../support/api.ts";
import { NOBODY, newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

describe("versions", () => {
  it.each(["/", "/v1"])("%s answers 300 without a token", async (path) => {
    const reply = await request("GET", path);
    expect(reply.status).toBe(300);
    expect(reply.json).toEqual({
      versions: [
        {
          id: "v1.0",
          status: "CURRENT",
          links: [{ rel: "self", href: expect.stringMatching(/^https?:.*\/v1\/$/) }],
        },
      ],
    });
  });

  it("does not take its address from headers", async () => {
    const headers = {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      forwarded: "host=evil.example",
    };
    expect((await request("GET", "/", { headers })).text).not.toContain("evil");
  });
});

describe("health", () => {
  it("answers without a token", async () => {
    expect((await request("GET", "/health")).json).toEqual({ status: "ok" });
    expect((await request("HEAD", "/health")).text).toBe("");
  });
});

describe("what Heat's clients ask besides", () => {
  it("a template is valid, for a member", async () => {
    const tenant = await newTenant();
    const body = { template: { heat_template_version: "2013-05-23" }, files: {} };
    const reply = await tenant.call("POST", "/validate", { body });
    expect(reply.json).toEqual({ Description: "", Parameters: {}, Environment: {} });
    expectFault(await request("POST", `/v1/${tenant.project}/validate`, { body }), 401);
  });

  it("there are no engines, and the build is unknown", async () => {
    const tenant = await newTenant(["reader"]);
    expect((await tenant.call("GET", "/services")).json).toEqual({ services: [] });
    expect((await tenant.call("GET", "/build_info")).json).toEqual({
      api: { revision: "unknown" },
      engine: { revision: "unknown" },
    });
    expectFault(await request("GET", `/v1/${tenant.project}/build_info`), 401);
  });

  it("health, as OpenStack's monitors read it, without a token", async () => {
    expect((await request("GET", "/healthcheck")).json).toEqual({ detailed: false, reasons: [] });
  });

  it("there are no stacks", async () => {
    expect((await (await newTenant(["reader"])).call("GET", "/stacks")).json).toEqual({ stacks: [] });
  });
});

describe("what no route takes, without a token", () => {
  it.each([
    ["/v1/p/software_deployments", "POST,GET,HEAD"],
    [`/v1/p/software_deployments/${NOBODY}`, "GET,HEAD,PUT,PATCH,DELETE"],
    ["/v1/p/software_deployments/metadata/s", "GET,HEAD"],
    ["/v1/p/software_configs", "POST,GET,HEAD"],
    [`/v1/p/software_configs/${NOBODY}`, "GET,HEAD,DELETE"],
    ["/", "GET,HEAD"],
  ])("OPTIONS and PURGE on %s: 204 and 405, Allow: %s", async (path, allow) => {
    const options = await request("OPTIONS", path);
    expect([options.status, options.headers.allow, options.text]).toEqual([204, allow, ""]);
    const unknown = await request("PURGE", path);
    expectFault(unknown, 405);
    expect(unknown.headers.allow).toBe(allow);
  });

  it.each(["/v1/p/nothing_here", "/v2", "/v1/p", "/v1/p/software_deployments/a/b"])(
    "%s is 404",
    async (path) => {
      expectFault(await request("GET", path), 404);
      expectFault(await request("OPTIONS", path), 404);
    },
  );

  it("a known path with a trailing slash is 404", async () => {
    expectFault(await request("GET", "/v1/p/software_deployments/"), 404);
  });
});
