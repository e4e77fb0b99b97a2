import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CreateRequest, newDeployment, requestedDeployments } from "../../lib/deployment/create-request.ts";
import { DeploymentView, deploymentView } from "../../lib/deployment/deployment.ts";
import { writeJson } from "../../lib/json/json-text.ts";

const ID = "01a20a2e-4077-77b0-85f5-db059fd06c30";
const NOW = new Date("2015-01-31T15:12:36.999Z");

const text = (min: number, max: number) =>
  fc.string({ unit: "binary", minLength: min, maxLength: max }).filter((value) => value.isWellFormed());

const validBody = fc.record(
  {
    config_id: text(1, 255),
    server_id: text(1, 255),
    action: fc.option(text(0, 255)),
    input_values: fc.option(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true })),
    status: fc.option(fc.constantFrom("COMPLETE", "IN_PROGRESS", "FAILED")),
    status_reason: fc.option(text(0, 300)),
    stack_user_project_id: fc.option(text(0, 64)),
  },
  { requiredKeys: ["config_id", "server_id"] },
);

const deploymentOf = (body: unknown) => {
  const [request] = requestedDeployments(CreateRequest.parse(body));
  if (!request) throw new Error("nothing was requested");
  return newDeployment("project", request, ID, NOW);
};

describe("newDeployment", () => {
  it("newDeployment holds every field of a valid body, null for absent ones, and times in whole seconds of UTC", () => {
    fc.assert(
      fc.property(validBody, (body) => {
        expect(JSON.parse(writeJson(deploymentView(deploymentOf(body), NOW)))).toStrictEqual({
          status: body.status ?? "IN_PROGRESS",
          server_id: body.server_id,
          config_id: body.config_id,
          output_values: null,
          input_values: JSON.parse(JSON.stringify(body.input_values ?? null)),
          action: body.action ?? null,
          status_reason: body.status_reason ?? null,
          id: ID,
          creation_time: "2015-01-31T15:12:36Z",
        });
      }),
    );
  });

  it("deploymentView shows a deployment in the documented shape, keys in its order", () => {
    const example = deploymentView(deploymentOf({ config_id: "c", server_id: "s", timeout: 5 }), NOW);
    expect(DeploymentView.parse(example)).toStrictEqual(example);
    expect([
      ...Object.keys(example).slice(0, -1),
      "updated_time",
      "timeout",
      "not_before",
      "collected_time",
      "warning",
    ]).toEqual(Object.keys(DeploymentView.shape));
  });
});

describe("CreateRequest", () => {
  it("CreateRequest refuses a body with one value changed, or accepts it as it is", () => {
    const fields = [
      ...["config_id", "server_id", "action", "input_values", "status", "status_reason"],
      "stack_user_project_id",
    ];
    fc.assert(
      fc.property(validBody, fc.constantFrom(...fields), fc.jsonValue(), (body, field, value) => {
        const mutated = { ...body, [field]: value };
        const result = CreateRequest.safeParse(mutated);
        if (result.success)
          expect(JSON.parse(writeJson(result.data))).toEqual(JSON.parse(JSON.stringify(mutated)));
        else expect(result.error.issues.every(({ path }) => path[0] === field)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("CreateRequest counts characters in code points, as Heat's database does", () => {
    expect(CreateRequest.safeParse({ config_id: "😀".repeat(255), server_id: "s" }).success).toBe(true);
    expect(CreateRequest.safeParse({ config_id: "😀".repeat(256), server_id: "s" }).success).toBe(false);
  });
});
