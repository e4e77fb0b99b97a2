import { describe, expect, it } from "vitest";
import { isAllowed } from "../../lib/auth/access-rules.ts";

const allows = (path: string, asked: string, more: object = {}): boolean =>
  isAllowed([{ service: "orchestration", method: "GET", path, ...more }], "GET", asked);

describe("access rules of an application credential", () => {
  it.each([
    ["/v1/p/software_deployments", "/v1/p/software_deployments"],
    ["/v1/*/software_deployments", "/v1/p/software_deployments"],
    ["/v1/{project_id}/software_deployments/{id}", "/v1/p/software_deployments/5"],
    ["/v1/**", "/v1/p/software_deployments/5/events"],
    ["/v1/p/software_**", "/v1/p/software_deployments"],
    ["/v1/**/events", "/v1/p/software_deployments/5/events"],
    ["**", ""],
    ["/v1/{p/**", "/v1/{p/x"],
  ])("the access rule %s allows %s", (path, asked) => expect(allows(path, asked)).toBe(true));

  it.each([
    ["/v1/p/software_deployments", "/v1/p/software_deployments/5"],
    ["/v1/*", "/v1/p/software_deployments"],
    ["/v1/*/x", "/v1//x"],
    ["/v1/{id}/x", "/v1/a/b/x"],
    ["/v1/p.software", "/v1/p/software"],
    ["", "/v1"],
    ["/v1/{p/x", "/v1/p/x"],
  ])("the access rule %s does not allow %s", (path, asked) => expect(allows(path, asked)).toBe(false));

  it("a rule for another service or method, and an empty list, allow nothing", () => {
    expect(allows("**", "/v1", { service: "compute" })).toBe(false);
    expect(allows("**", "/v1", { method: "POST" })).toBe(false);
    expect(isAllowed([], "GET", "/v1")).toBe(false);
  });

  it("matching a path against any pattern takes linear time", () => {
    expect(allows("**a".repeat(80), `/${"a".repeat(2_000)}b`)).toBe(false);
    expect(allows("****".repeat(60), `/${"a".repeat(8_000)}`)).toBe(true);
  });
});
