import { beforeEach, describe, expect, it } from "vitest";
import { MAX_RESPONSE_BYTES, responseBytes } from "../../lib/limits/response-size.ts";
import { type Call, type Reply, request } from "../support/api.ts";
import { collect, type DeliveringTenant, newDeliveringTenant } from "../support/delivery.ts";
import { newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

/** Requests and rules of OTC's Go SDK, on which its Terraform provider is built. */
const AGENT = { "user-agent": "golangsdk/2.0.0" };

let tenant: DeliveringTenant;

const call = (method: string, path: string, more: Call = {}): Promise<Reply> =>
  tenant.call(method, path, { ...more, headers: AGENT });

const deployment = (id: string): string => `/software_deployments/${id}`;

/** Whether a value is read without a fault: maps of texts and nulls alone. */
const isReadable = (values: Record<string, unknown> | null): boolean =>
  Object.values(values ?? {}).every((value) => value === null || typeof value === "string");

beforeEach(async () => {
  tenant = await newDeliveringTenant();
});

describe("answers to OTC's Go SDK", () => {
  it("OTC's Go SDK gets times without the Z in every response, others with it", async () => {
    const { id } = await tenant.deployed();
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;
    expect((await call("GET", deployment(id))).json.software_deployment.creation_time).toMatch(time);
    const { json } = await call("GET", "/software_deployments");
    expect(json.software_deployments[0].creation_time).toMatch(time);
    expect((await call("GET", "/software_configs")).json.software_configs[0].creation_time).toMatch(time);
    expect((await call("GET", `${deployment(id)}/events`)).json.events[0].time).toMatch(time);
    expect((await tenant.call("GET", deployment(id))).json.software_deployment.creation_time).toMatch(/Z$/);
  });

  it("OTC's Go SDK gets a configuration's inputs and outputs as they were sent", async () => {
    const sent = [
      '{"group":"script","inputs":[{"default":"0","description":"value2","name":"foo","type":"String"}],"name":"c","outputs":[{"description":"value1","error_output":"false","name":"result","type":"String"}]}',
      '{"outputs":[{"name":"result"}],"inputs":[{"name":"a"},{"type":"Number","name":"b","default":"5"}]}',
    ];
    for (const body of sent) {
      const { inputs, outputs } = JSON.parse(body);
      const created = await call("POST", "/software_configs", { body });
      const { id } = created.json.software_config;
      const shown = await call("GET", `/software_configs/${id}`);
      expect(shown.text).toBe(created.text);
      for (const reply of [created, shown]) {
        expect(reply.text).toContain(`"inputs":${JSON.stringify(inputs)}`);
        expect(reply.text).toContain(`"outputs":${JSON.stringify(outputs)}`);
      }
      const others = (await tenant.call("GET", `/software_configs/${id}`)).json.software_config;
      expect(others.outputs[0]).toMatchObject({ type: "String", error_output: false });
    }
  });

  it("OTC's Go SDK gets texts for the values of a configuration's options, and for a config that is no text", async () => {
    const structure = { a: [1, "b"] };
    for (const [config, shown] of [
      [structure, JSON.stringify(structure)],
      [5, "5"],
      ["#!/bin/sh", "#!/bin/sh"],
      [null, null],
    ]) {
      const { id } = await tenant.configure({ group: "hiera", config, options: { modulepath: ["x"] } });
      const { json } = await call("GET", `/software_configs/${id}`);
      expect(json.software_config).toMatchObject({ config: shown, options: { modulepath: '["x"]' } });
    }
  });

  it("OTC's Go SDK gets texts for all defaults, values, outputs and metadata", async () => {
    const inputs = [
      { name: "n", type: "Number", default: 5 },
      { name: "b", type: "Boolean", default: true },
      { name: "l", type: "CommaDelimitedList", default: ["a", "b"] },
      { name: "j", type: "Json", default: { a: 1 } },
    ];
    const { id } = await tenant.deployed(
      { input_values: { n: 1.5, nothing: null, map: { a: [1] } } },
      { inputs },
    );
    await tenant.call("POST", `${deployment(id)}/signal`, { body: { deploy_status_code: 0, result: [1] } });
    const shown = (await call("GET", deployment(id))).json.software_deployment;
    expect(shown.input_values).toEqual({ n: "1.5", nothing: null, map: '{"a":[1]}' });
    expect(shown.output_values).toMatchObject({
      deploy_status_code: "0",
      result: "[1]",
      deploy_stdout: null,
    });
    const config = (await call("GET", `/software_configs/${shown.config_id}`)).json.software_config;
    expect([...config.inputs, ...config.outputs].every(isReadable)).toBe(true);
    const { metadata } = (await call("GET", "/software_deployments/metadata/a-server")).json;
    expect(metadata[0].inputs.every(isReadable)).toBe(true);
  });
});

describe("large values as texts for OTC's Go SDK", () => {
  const backslashes = { a: ["\\".repeat(510_000)] };

  it("a deployment whose values as texts would fill a response is shown to OTC's Go SDK without them", async () => {
    const { id } = await tenant.deploy({ input_values: backslashes });
    await tenant.update(id, { output_values: backslashes });
    const plain = await tenant.show(id);
    expect([plain.input_values, plain.output_values]).toEqual([backslashes, backslashes]);
    const reply = await call("GET", deployment(id));
    expect(responseBytes(reply.json)).toBeLessThan(MAX_RESPONSE_BYTES);
    const { input_values, output_values, warning } = reply.json.software_deployment;
    expect([input_values, output_values]).toEqual([null, null]);
    expect(warning).toContain("too large");
  });

  it("a list for OTC's Go SDK has more pages where the texts are longer", async () => {
    for (let i = 0; i < 3; i += 1) await tenant.deploy({ input_values: backslashes });
    const all = async (get: typeof call): Promise<number> => {
      const { json } = await get("GET", "/software_deployments");
      expect(responseBytes(json)).toBeLessThan(MAX_RESPONSE_BYTES);
      return json.software_deployments.length;
    };
    expect([await all(call), await all(tenant.call)]).toEqual([1, 3]);
  });
});

describe("updates by OTC's Go SDK", () => {
  it("OTC's Go SDK sends back what it was shown: nothing changes, and nothing runs again", async () => {
    const { id } = await tenant.deployed({ input_values: { n: 1.5, nothing: null } });
    const link = await tenant.newLink();
    const [delivered] = await collect(link);
    await tenant.call("POST", `${deployment(id)}/signal`, {
      body: { deploy_status_code: 0, deploy_stdout: "hi" },
    });
    const before = (await call("GET", deployment(id))).json.software_deployment;
    const stored = await tenant.show(id);
    const back = (values: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? ""]));
    const { config_id, action } = before;
    const body = {
      config_id,
      action,
      output_values: back(before.output_values),
      input_values: back(before.input_values),
    };
    const reply = await call("PUT", deployment(id), { body });
    const after = (await call("GET", deployment(id))).json.software_deployment;
    expect(reply.json.software_deployment).toEqual(after);
    expect(after).toEqual({ ...before, updated_time: after.updated_time });
    expect(await tenant.show(id)).toMatchObject({ output_values: stored.output_values, status: "COMPLETE" });
    expect((await collect(link))[0]?.id).toBe(delivered?.id);
    expect((await call("GET", deployment(id))).text).toBe((await call("GET", deployment(id))).text);
  });

  it("one input that OTC's Go SDK changes leaves the types of the others, by PUT and by PATCH", async () => {
    for (const method of ["PUT", "PATCH"]) {
      const { id } = await tenant.deployed({ input_values: { a: 5, b: true, c: null, d: "text" } });
      await tenant.update(id, { output_values: { n: 1.0, m: { x: 1 } } });
      const body = {
        input_values: { a: "5", b: "false", c: "", d: "text" },
        output_values: { n: "2", m: '{"x":1}' },
        status: "COMPLETE",
      };
      expect((await call(method, deployment(id), { body })).status).toBe(200);
      expect(await tenant.show(id)).toMatchObject({
        input_values: { a: 5, b: "false", c: null, d: "text" },
        output_values: { n: "2", m: { x: 1 } },
      });
    }
  });

  it("the recorded update bodies of OTC's Go SDK are accepted", async () => {
    const { id, config_id } = await tenant.deployed();
    const first = { config_id, output_values: { deploy_stdout: "hello\n" }, status_reason: "by hand" };
    expect((await call("PUT", deployment(id), { body: first })).json.software_deployment).toMatchObject({
      status: "IN_PROGRESS",
      status_reason: "by hand",
      output_values: { deploy_stdout: "hello\n" },
    });
    const second = await call("PUT", deployment(id), { body: { config_id, output_values: {} } });
    expect(second.json.software_deployment.output_values).toEqual({ deploy_stdout: "hello\n" });
  });
});

describe("401 and 403", () => {
  it("a valid token that does not authorize the request is 403 for OTC's Go SDK, and 401 for all others", async () => {
    const reader = await newTenant(["reader"], tenant.project);
    const other = await newTenant();
    const path = `/v1/${tenant.project}/software_deployments`;
    for (const [token, method] of [
      [reader.token, "POST"],
      [other.token, "GET"],
    ] as const) {
      const asked = { token, ...(method === "POST" && { body: {} }) };
      expectFault(
        await request(method, path, { ...asked, headers: AGENT }),
        403,
        "does not allow this request",
      );
      expectFault(await request(method, path, asked), 401, "does not allow this request");
    }
    expectFault(await request("GET", path, { token: "bad", headers: AGENT }), 401, "not valid");
  });
});
