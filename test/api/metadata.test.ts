import { beforeEach, describe, expect, it } from "vitest";
import { newTenant, type Tenant } from "../support/deployments.ts";

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

  it("a server_id with a blank and a per cent sign is found", async () => {
    await deployed({}, { server_id: "my server: 100%" });
    expect(await metadata("my server: 100%")).toHaveLength(1);
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

  it("metadata that do not fit one answer leave the rest out: finished ones first, the oldest before the newer", async () => {
    const input_values = { quotes: '"'.repeat(400_000) };
    const server = "/software_deployments/metadata/a-server";
    const names = async (gzip: boolean): Promise<string[]> => {
      const headers = { "accept-encoding": gzip ? "gzip" : "identity" };
      const reply = await tenant.call("GET", server, { headers });
      expect([reply.status, reply.headers["content-encoding"]]).toEqual([200, gzip ? "gzip" : undefined]);
      return reply.json.metadata.map(({ name }: { name: string }) => name);
    };
    const finished = { status: "COMPLETE", input_values };
    for (const name of ["f1", "f2"]) await deployed({ name }, finished);
    await deployed({ name: "settings", group: "os-apply-config", config: {} }, finished);
    await deployed({ name: "f3" }, finished);
    for (const name of ["p1", "p2"]) await deployed({ name }, { input_values });
    const all = ["f1", "f2", "f3", "p1", "p2", "settings"];
    expect(await names(true)).toEqual(all);
    // Of 2 MB each in the answer, three have room.
    expect(await names(false)).toEqual(["p1", "p2", "settings"]);
  });

  it("get_input in a structured configuration is replaced by the input's value, an unknown name by null", async () => {
    const config = {
      host: { get_input: "host" },
      list: [{ get_input: "n" }, { get_input: "defaulted" }, { get_input: "unknown" }],
      extra: { get_input: "extra" },
      server: { get_input: "deploy_server_id" },
      "a name": { get_input: ["host"] },
      not: { get_input: "host", beside: 1 },
      text: '{"get_input":"host"}',
    };
    const inputs = [{ name: "host" }, { name: "n", type: "Number" }, { name: "defaulted", default: "d" }];
    await deployed(
      { group: "os-apply-config", inputs, config },
      { input_values: { host: '192.0.2.7 "quoted"', n: 1e21, extra: { a: [1.5, null] } } },
    );
    const [delivered] = await metadata();
    expect(delivered?.config).toEqual({
      ...config,
      host: '192.0.2.7 "quoted"',
      list: [1e21, "d", null],
      extra: { a: [1.5, null] },
      server: "a-server",
    });
  });

  it.each([
    ["script", { get_input: "a" }],
    ["component", { configs: [{ actions: [""], tool: "x", config: { get_input: "a" } }] }],
    ["puppet", '{"get_input":"a"}'],
  ])("get_input in a configuration of group %s that is no structure stays", async (group, config) => {
    await deployed({ group, config }, { input_values: { a: 1 } });
    expect((await metadata())[0]?.config).toEqual(config);
  });

  it("get_input by an escaped name is replaced too", async () => {
    const config = '{"group":"hiera","config":{"a":{"get\\u005finput":"a"},"n":1.0}}';
    const { json } = await tenant.call("POST", "/software_configs", { body: config });
    await tenant.deploy({ config_id: json.software_config.id, input_values: { a: 5 } });
    expect((await metadata())[0]?.config).toEqual({ a: 5, n: 1 });
  });

  it("a thousand large inputs in a structure are left out before they are made, and the rest goes out", async () => {
    const config = Array.from({ length: 1_000 }, () => ({ get_input: "big" }));
    await deployed({ name: "huge", group: "hiera", config }, { input_values: { big: "x".repeat(160_000) } });
    await deployed({ name: "small" });
    expect((await metadata()).map(({ name }) => name)).toEqual(["small"]);
  });

  it.each([
    ["puppet", "manifest"],
    ["script", "#!/bin/sh"],
    ["component", { configs: [{ actions: ["CREATE"], tool: "script", config: "#!/bin/sh" }] }],
  ])(
    "values go out as texts to the hook of group %s, also of a configuration that a client derived",
    async (group, config) => {
      const inputs = [
        { name: "n", type: "Number", default: 3 },
        { name: "b", type: "Boolean", default: true },
      ];
      const derived = [
        ...inputs.map((input) => ({ ...input, value: input.default })),
        { name: "deploy_server_id", value: "a-server" },
        { name: "deploy_action", value: "CREATE" },
      ];
      for (const declared of [inputs, derived])
        await deployed({ group, config, inputs: declared }, { action: "CREATE" });
      for (const delivered of await metadata())
        expect(delivered.inputs.slice(0, 2).map(({ value }: { value: unknown }) => value)).toEqual([
          "3",
          "true",
        ]);
    },
  );

  it("values go out as they are to other hooks", async () => {
    const config = { configs: [{ actions: ["CREATE"], tool: "ansible", config: "" }] };
    const inputs = [{ name: "n", type: "Number", default: 3 }];
    await deployed({ group: "component", config, inputs }, { action: "CREATE" });
    expect((await metadata())[0]?.inputs[0].value).toBe(3);
  });

  it("a component without a script for the action is not handed out", async () => {
    const config = { configs: [{ actions: ["CREATE"], tool: "script", config: "#!/bin/sh" }] };
    for (const action of ["CREATE", "UPDATE", undefined])
      await deployed({ group: "component", config }, { action });
    expect(await metadata()).toHaveLength(1);
  });

  it("a component is handed out by the deployment's action, or by that which a client derived it for", async () => {
    const config = { configs: [{ actions: ["CREATE"], tool: "script", config: "#!/bin/sh" }] };
    const named = { name: "deploy_action", value: "UPDATE" };
    await deployed({ name: "own", group: "component", config, inputs: [named] }, { action: "CREATE" });
    const derived = [{ name: "deploy_server_id", value: "a-server" }, named];
    await deployed({ name: "derived", group: "component", config, inputs: derived }, { action: "CREATE" });
    expect((await metadata()).map(({ name }) => name)).toEqual(["own"]);
  });

  it("metadata of more deployments than one batch read takes are complete", async () => {
    const { id } = await tenant.configure({ name: "shared" });
    await Promise.all(Array.from({ length: 120 }, () => tenant.deploy({ config_id: id })));
    const all = await metadata();
    expect(new Set(all.map((config) => config.id)).size).toBe(120);
  });
});
