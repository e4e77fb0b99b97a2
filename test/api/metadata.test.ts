import { beforeEach, describe, expect, it } from "vitest";
import { newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const metadata = async (server = "a-server"): Promise<Record<string, any>[]> => {
  const reply = await tenant.call("GET", `/software_deployments/metadata/${encodeURIComponent(server)}`);
  expect(reply.status).toBe(200);
  expect(Object.keys(reply.json)).toEqual(["metadata"]);
  return reply.json.metadata;
};

const deployed = async (config: object, deployment: object = {}) => {
  const { id } = await tenant.configure(config);
  return tenant.deploy({ config_id: id, ...deployment });
};

describe("a server's metadata", () => {
  it("metadata of an unknown server are empty, and answer HEAD", async () => {
    expect(await metadata("unknown")).toEqual([]);
    const head = await tenant.call("HEAD", "/software_deployments/metadata/unknown");
    expect([head.status, head.text]).toEqual([200, ""]);
  });

  it("metadata hold each deployment's configuration, with a value for every input", async () => {
    const inputs = [
      { name: "given", default: "d", value: "v" },
      { name: "valued", default: "d", value: "v" },
      { name: "defaulted", type: "Number", default: 7 },
      { name: "bare" },
    ];
    const outputs = [{ name: "result" }];
    const config = await tenant.configure({ name: "c", group: "script", config: "echo", inputs, outputs });
    await tenant.deploy({
      config_id: config.id,
      action: "CREATE",
      input_values: { given: { a: 1 }, extra: "text", number: 1.5, list: [1, null], none: null },
    });
    expect(await metadata()).toEqual([
      {
        ...config,
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-/),
        inputs: [
          { name: "given", type: "String", default: "d", value: '{"a":1}' },
          { name: "valued", type: "String", default: "d", value: "v" },
          { name: "defaulted", type: "Number", default: 7, value: "7" },
          { name: "bare", type: "String", value: "" },
          { name: "extra", type: "String", value: "text" },
          { name: "number", type: "String", value: "1.5" },
          { name: "list", type: "String", value: "[1,null]" },
          { name: "none", type: "String", value: "" },
          { name: "deploy_server_id", type: "String", value: "a-server" },
          { name: "deploy_action", type: "String", value: "CREATE" },
          { name: "deploy_signal_transport", type: "String", value: "TEMP_URL_SIGNAL" },
          {
            name: "deploy_signal_id",
            type: "String",
            value: expect.stringMatching(/^http.*\/agent\/signal\?/),
          },
          { name: "deploy_signal_verb", type: "String", value: "PUT" },
        ],
      },
    ]);
  });

  it("metadata are ordered by the configuration's name (null as the empty text), then by creation", async () => {
    await deployed({ name: "zz" });
    await deployed({ name: "aa", config: 1 });
    await deployed({ config: "nameless" });
    await deployed({ name: "aa", config: 2 });
    const order = (await metadata()).map(({ name, config }) => [name, config]);
    expect(order).toEqual([
      [null, "nameless"],
      ["aa", 1],
      ["aa", 2],
      ["zz", null],
    ]);
  });

  it("metadata leave out deployments whose configuration is not stored here, and those of other servers", async () => {
    await tenant.deploy();
    await deployed({ name: "mine" }, { server_id: "other" });
    expect(await metadata()).toEqual([]);
    expect(await metadata("other")).toHaveLength(1);
  });

  it("a server_id with a slash is found", async () => {
    await deployed({}, { server_id: "my server/1" });
    expect(await metadata("my server/1")).toHaveLength(1);
  });

  it("the service's own inputs replace a caller's of the same name", async () => {
    await deployed(
      { inputs: [{ name: "deploy_action", default: "mine" }] },
      {
        action: "UPDATE",
        status: "COMPLETE",
        input_values: { deploy_server_id: "forged", deploy_action: "forged" },
      },
    );
    const [config] = await metadata();
    expect(config?.inputs).toEqual([
      { name: "deploy_server_id", type: "String", value: "a-server" },
      { name: "deploy_action", type: "String", value: "UPDATE" },
    ]);
  });

  it("a configuration that the client derived is delivered as it is, under its own id", async () => {
    const inputs = [
      { name: "foo", value: "v1" },
      { name: "deploy_server_id", value: "a-server" },
    ];
    const config = await tenant.configure({ name: "derived", inputs });
    await tenant.deploy({ config_id: config.id, input_values: { foo: "ignored" } });
    expect(await metadata()).toEqual([config]);
  });

  it("the delivery's id is the same at every poll, and new for every change of what is run, a change back included", async () => {
    const deployment = await deployed({}, { input_values: { a: 1 }, action: "A" });
    const seen: string[] = [];
    const look = async () => {
      const [id] = (await metadata()).map((config) => config.id);
      seen.push(id ?? "");
      expect((await metadata())[0]?.id).toBe(id);
    };
    const update = (body: object) => tenant.call("PUT", `/software_deployments/${deployment.id}`, { body });
    await look();
    for (const body of [{ input_values: { a: 2 } }, { input_values: { a: 1 } }, { action: "B" }]) {
      await update(body);
      await look();
    }
    expect(new Set(seen).size).toBe(4);
    await update({ status: "COMPLETE", output_values: { a: 1 }, status_reason: "done" });
    await look();
    expect(seen.at(-1)).toBe(seen.at(-2));
  });

  it("metadata that would not fit a response are 400 that says what to delete", async () => {
    const input_values = { quotes: '"'.repeat(400_000) };
    for (let i = 0; i < 5; i += 1) await deployed({}, { input_values });
    const reply = await tenant.call("GET", "/software_deployments/metadata/a-server");
    expectFault(reply, 400, "delete deployments of this server");
  });

  it("metadata of more deployments than one batch read takes are complete", async () => {
    const { id } = await tenant.configure({ name: "shared" });
    await Promise.all(Array.from({ length: 120 }, () => tenant.deploy({ config_id: id })));
    const all = await metadata();
    expect(new Set(all.map((config) => config.id)).size).toBe(120);
  });
});
