import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigRequest, newConfig } from "../../lib/config/create-request.ts";
import { deriveConfig } from "../../lib/delivery/derived-config.ts";
import { CreateRequest, newDeployment, requestedDeployments } from "../../lib/deployment/create-request.ts";

const ID = "01a20a2e-4077-77b0-85f5-db059fd06c30";
const NOW = new Date("2015-01-31T15:12:36Z");

const names = fc.constantFrom("a", "b", "c", "deploy_action", "deploy_server_id", "toString");

const delivered = (inputs: string[], input_values: Record<string, unknown>) => {
  const request = ConfigRequest.parse({ inputs: inputs.map((name) => ({ name })) });
  const config = newConfig("p", request, ID, NOW);
  const [body] = requestedDeployments(CreateRequest.parse({ config_id: ID, server_id: "s", input_values }));
  if (!body) return undefined;
  const deployment = newDeployment("p", body, ID, NOW);
  return deriveConfig({ deployment, config }, { now: NOW }).render();
};

describe("deriveConfig", () => {
  it("deriveConfig gives every input a value, no name twice, and the service's own inputs last", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(names),
        fc.dictionary(names, fc.jsonValue(), { noNullPrototype: true }),
        (declared, values) => {
          fc.pre(!declared.includes("deploy_server_id"));
          const inputs = delivered(declared, values)?.inputs ?? [];
          expect(inputs.every((input) => "value" in input)).toBe(true);
          const listed = inputs.map(({ name }) => name);
          expect(new Set(listed).size).toBe(listed.length);
          expect(listed.slice(-2)).toEqual(["deploy_server_id", "deploy_action"]);
          expect(new Set(listed)).toEqual(
            new Set([...declared, ...Object.keys(values), "deploy_server_id", "deploy_action"]),
          );
        },
      ),
    );
  });

  it("deriveConfig leaves a configuration that the client derived as it is", () => {
    const config = delivered(["deploy_server_id", "a"], { a: 1 });
    expect(config).toMatchObject({ id: ID, inputs: [{ name: "deploy_server_id" }, { name: "a" }] });
    expect(config?.inputs.some((input) => "value" in input)).toBe(false);
  });
});
