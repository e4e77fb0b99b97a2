import { beforeEach, describe, expect, it } from "vitest";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

describe("warnings of ignored fields", () => {
  it("an ignored field is named in a Warning header, by every endpoint that takes fields", async () => {
    const { id } = await tenant.deploy();
    const warning = '299 - "ignored field \\"statuss\\""';
    const body = { statuss: "FAILED", status: "FAILED" };
    const calls: [string, string, object][] = [
      ["POST", "/software_deployments", minimal(body)],
      ["POST", "/software_deployments", [minimal(body)]],
      ["PUT", `/software_deployments/${id}`, body],
      ["PATCH", `/software_deployments/${id}`, body],
      ["POST", "/software_configs", { statuss: 1 }],
    ];
    for (const [method, path, sent] of calls) {
      const reply = await tenant.call(method, path, { body: sent });
      expect([reply.status, reply.headers.warning]).toEqual([200, warning]);
    }
  });

  it("there is no Warning without an ignored field, nor where any field is accepted", async () => {
    const reply = await tenant.call("POST", "/software_deployments", {
      body: minimal({ input_values: { any: 1 }, action: null }),
    });
    expect(reply.headers).not.toHaveProperty("warning");
    const { id } = reply.json.software_deployment;
    const signal = await tenant.call("POST", `/software_deployments/${id}/signal`, { body: { any: 1 } });
    expect(signal.headers).not.toHaveProperty("warning");
  });

  it("names of ignored fields are encoded in the Warning header; ten are named, each cut at 64 characters", async () => {
    const names = ['"\r\nset-cookie: a=b', "\\", "é😀", "\ud800", "x".repeat(5_000)];
    const more = Array.from({ length: 20 }, (_, i) => `f${i}`);
    const extras = Object.fromEntries([...names, ...more].map((name) => [name, 1]));
    const body = JSON.stringify(minimal(extras));
    const { headers } = await tenant.call("POST", "/software_deployments", { body });
    const warnings = headers.warning?.split(", ") ?? [];
    expect(warnings).toHaveLength(10);
    for (const warning of warnings) {
      expect(warning).toMatch(/^299 - "ignored field \\"[A-Za-z0-9%._~!*'()-]+\\""$/);
    }
    expect(headers.warning).toContain(`"${"x".repeat(64)}\\"`);
    expect(headers.warning).not.toContain("x".repeat(65));
    expect(headers).not.toHaveProperty("set-cookie");
  });
});
