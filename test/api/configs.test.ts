import { beforeEach, describe, expect, it } from "vitest";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const create = (body: unknown) => tenant.call("POST", "/software_configs", { body });

const ids = async (query = ""): Promise<string[]> =>
  (await tenant.call("GET", `/software_configs${query}`)).json.software_configs.map(({ id }: any) => id);

describe("create a configuration", () => {
  it("{} creates a configuration; its keys are in Heat's order", async () => {
    const { status, json } = await create({});
    expect(status).toBe(200);
    expect(Object.entries(json.software_config)).toEqual([
      ["id", expect.stringMatching(/^[0-9a-f-]{36}$/)],
      ["name", null],
      ["group", null],
      ["creation_time", expect.stringMatching(/Z$/)],
      ["config", null],
      ["inputs", []],
      ["outputs", []],
      ["options", {}],
    ]);
  });

  it("inputs and outputs are shown as Heat normalizes them, at once and later", async () => {
    const body = {
      name: "a-config-b5mo",
      group: "script",
      config: '#!/bin/sh -x\necho "Writing to /tmp/$bar"\necho $foo > /tmp/$bar',
      inputs: [
        { name: "foo", type: "String", description: "the foo", default: null },
        { name: "bar", type: "Number", default: 7, replace_on_change: true },
        { name: "js", type: "Json", default: { a: [1, 2] } },
        { name: "b", type: "Boolean", default: true },
        { name: "l", type: "CommaDelimitedList", default: "a,b" },
      ],
      outputs: [
        { name: "result", type: "String", description: "r", error_output: false },
        { name: "err", type: "String", error_output: true },
      ],
      options: { opt1: "v", nested: { x: [1, null] } },
    };
    const { json, text } = await create(body);
    expect(JSON.stringify(json.software_config.inputs)).toBe(
      '[{"name":"foo","description":"the foo","type":"String","default":""},' +
        '{"name":"bar","type":"Number","default":7,"replace_on_change":true},' +
        '{"name":"js","type":"Json","default":{"a":[1,2]}},' +
        '{"name":"b","type":"Boolean","default":true},' +
        '{"name":"l","type":"CommaDelimitedList","default":["a","b"]}]',
    );
    expect(JSON.stringify(json.software_config.outputs)).toBe(
      '[{"name":"result","description":"r","type":"String","error_output":false},' +
        '{"name":"err","type":"String","error_output":true}]',
    );
    expect(json.software_config).toMatchObject({ config: body.config, options: body.options });
    const shown = await tenant.call("GET", `/software_configs/${json.software_config.id}`);
    expect(shown.text).toBe(text);
  });

  it.each([
    ["Number", "7", 7],
    ["Number", null, 0],
    ["Number", "", ""],
    ["Number", "5.0", 5],
    ["Boolean", "TRUE", true],
    ["Boolean", "false", false],
    ["Boolean", null, false],
    ["Json", '{"a":1}', '{"a":1}'],
    ["Json", [1, { a: null }], '[1, {"a": null}]'],
    ["Json", null, {}],
    ["CommaDelimitedList", ["a"], ["a"]],
    ["CommaDelimitedList", null, []],
    ["String", 8080, "8080"],
    [undefined, "x", "x"],
  ])("a default of type %s is normalized: %j becomes %j", async (type, value, expected) => {
    const { json } = await create({ inputs: [{ name: "a", type, default: value }] });
    expect(json.software_config.inputs).toEqual([{ name: "a", type: type ?? "String", default: expected }]);
  });

  it("any JSON as config, null for any list, inputs of the same name and values are accepted", async () => {
    const inputs = [{ name: "a" }, { name: "a", value: { x: [null] } }, { name: "b", value: null }];
    const { json } = await create({ config: { a: [1] }, inputs, outputs: null, options: null, group: null });
    expect(json.software_config).toMatchObject({
      config: { a: [1] },
      inputs: [
        { name: "a", type: "String" },
        { name: "a", type: "String", value: { x: [null] } },
        { name: "b", type: "String", value: null },
      ],
      outputs: [],
      options: {},
    });
  });

  it.each([
    [{ name: 12 }, "name"],
    [{ name: "n".repeat(256) }, "name"],
    [{ inputs: { a: 1 } }, "inputs"],
    [{ inputs: ["a"] }, "inputs.0"],
    [{ inputs: [{ type: "String" }] }, "inputs.0.name"],
    [{ inputs: [{ name: "a", zzz: 1, yyy: 2 }] }, "zzz"],
    [{ inputs: [{ name: "a", type: "Weird" }] }, "inputs.0.type"],
    [{ inputs: [{ name: "a", type: "Number", default: "abc" }] }, "inputs.0.default"],
    [{ inputs: [{ name: "a", type: "Boolean", default: "yes" }] }, "inputs.0.default"],
    [{ inputs: [{ name: "a", type: "Boolean", default: "constructor" }] }, "inputs.0.default"],
    [{ inputs: [{ name: "a", type: "Boolean", default: { toString: 1 } }] }, "inputs.0.default"],
    ['{"inputs":[{"name":"a","type":"Boolean","default":12345678901234567890}]}', "inputs.0.default"],
    [{ inputs: [{ name: "a", type: "Number", default: "1e999" }] }, "inputs.0.default"],
    ["12345678901234567890", "body"],
    [{ inputs: [{ name: "a", type: "toString" }] }, "inputs.0.type"],
    [{ inputs: [{ name: "a", type: "CommaDelimitedList", default: 5 }] }, "inputs.0.default"],
    [{ inputs: [{ name: "a", replace_on_change: "x" }] }, "inputs.0.replace_on_change"],
    [{ outputs: [{ error_output: true }] }, "outputs.0.name"],
    [{ outputs: [{ name: "a", value: 1 }] }, "value"],
    [{ options: [1] }, "options"],
    [{ software_config: {} }, "software_config"],
    [[], "body"],
  ])("the configuration %j is 400, which names %s", async (body, words) => {
    expectFault(await create(body), 400, words);
    expect(await ids()).toEqual([]);
  });

  it.each([
    ["inputs", "{}", 130_000],
    ["outputs", '{"name":""}', 80_000],
  ])("thousands of %s are 400 by their number alone", async (field, one, count) => {
    const body = `{"${field}":[${Array(count).fill(one).join()}]}`;
    const reply = await create(body);
    expectFault(reply, 400, `${field}: at most 1000 are expected`);
    expect(reply.text.length).toBeLessThan(500);
  });

  it("a body with many faults is 400 that names the first 20, and how many more there are", async () => {
    const reply = await create({ inputs: Array(1_000).fill({}) });
    expectFault(reply, 400, "inputs.0.name", "inputs.19.name", "; and 980 more");
    expect(reply.json.error.message).not.toContain("inputs.20.name");
  });

  it("a configuration that is too large for an item is 400", async () => {
    const noise = Array.from({ length: 22_000 }, () => crypto.randomUUID()).join("");
    expectFault(await create({ config: noise }), 400, "config", "400 KB");
  });
});

describe("list configurations", () => {
  it("the list shows the newest configuration first, four keys of each", async () => {
    const [first, second] = [
      await tenant.configure({ name: "one", group: "script" }),
      await tenant.configure(),
    ];
    const { json } = await tenant.call("GET", "/software_configs");
    expect(json).toEqual({
      software_configs: [
        { id: second?.id, name: null, group: null, creation_time: second?.creation_time },
        { id: first?.id, name: "one", group: "script", creation_time: first?.creation_time },
      ],
    });
  });

  it("limit and marker page through the list, with links under both names that SDKs read", async () => {
    const all = [await tenant.configure(), await tenant.configure(), await tenant.configure()].map(
      ({ id }) => id,
    );
    all.reverse();
    const { json } = await tenant.call("GET", "/software_configs?limit=2");
    expect(json.software_configs.map(({ id }: any) => id)).toEqual(all.slice(0, 2));
    expect(json.software_configs_links).toEqual(json.software_config_links);
    const { href } = json.software_configs_links[0];
    expect(await ids(new URL(href).search)).toEqual(all.slice(2));
    expect(await ids("?limit=5000")).toEqual(all);
    expect(await ids(`?marker=${NOBODY}`)).toEqual([]);
    expect(await ids(`?marker=${all[0]}`)).toEqual(all.slice(1));
  });

  it("a bad limit is 400 in Heat's words", async () => {
    const abc = await tenant.call("GET", "/software_configs?limit=abc");
    expectFault(abc, 400, "Only integer is acceptable by 'limit'.");
    const negative = await tenant.call("GET", "/software_configs?limit=-1");
    expectFault(await tenant.call("GET", "/software_configs?limit=0"), 400, "limit: 1 to 1000 is expected");
    expectFault(negative, 400, "Value '-1' is invalid for 'limit' which only accepts non-negative integer.");
    expectFault(await tenant.call("GET", "/software_configs?marker=x"), 400, "marker");
  });
});

describe("show and remove a configuration", () => {
  it("an unknown configuration is 404", async () => {
    for (const id of [NOBODY, "unknown", "x".repeat(3_000)]) {
      for (const method of ["GET", "DELETE"]) {
        const reply = await tenant.call(method, `/software_configs/${id}`);
        expectFault(reply, 404, `Software config with id ${id} not found`);
      }
    }
  });

  it("PUT and PATCH of a configuration are 405: it never changes", async () => {
    const { id } = await tenant.configure();
    const reply = await tenant.call("PUT", `/software_configs/${id}`, { body: { name: "z" } });
    expectFault(reply, 405);
    expect(reply.headers.allow).toBe("GET,HEAD,DELETE");
  });

  it("DELETE of a configuration is 204, and then 404", async () => {
    const { id } = await tenant.configure();
    expect((await tenant.call("DELETE", `/software_configs/${id}`)).status).toBe(204);
    expectFault(await tenant.call("DELETE", `/software_configs/${id}`), 404);
  });

  it("DELETE of a configuration is 409 while a deployment refers to it, and 204 once none does", async () => {
    const { id } = await tenant.configure();
    const deployment = await tenant.deploy({ config_id: id });
    const refused = await tenant.call("DELETE", `/software_configs/${id}`);
    expectFault(refused, 409, `Software config with id ${id} can not be deleted as it is referenced.`);
    await tenant.call("DELETE", `/software_deployments/${deployment.id}`);
    expect((await tenant.call("DELETE", `/software_configs/${id}`)).status).toBe(204);
  });

  it("DELETE of a configuration is 204 once its deployment has another configuration", async () => {
    const { id } = await tenant.configure();
    const deployment = await tenant.deploy({ config_id: id });
    await tenant.call("PUT", `/software_deployments/${deployment.id}`, { body: { config_id: "another" } });
    expect((await tenant.call("DELETE", `/software_configs/${id}`)).status).toBe(204);
  });

  it("DELETE of a configuration that is referred to, but not stored here, is 404", async () => {
    await tenant.deploy({ config_id: NOBODY });
    expectFault(await tenant.call("DELETE", `/software_configs/${NOBODY}`), 404);
  });
});

describe("text that UTF-8 cannot hold", () => {
  it.each([
    ["config", '{"config":"#!/bin/sh\\necho \\ud800"}'],
    ["config", '{"config":{"a":["\\udfff"]}}'],
    ["options", '{"options":{"\\ud800":1}}'],
    ["inputs.0.default", '{"inputs":[{"name":"a","default":"\\ud800"}]}'],
    ["inputs.0.value", '{"inputs":[{"name":"a","value":["\\ud800"]}]}'],
    ["inputs.0.description", '{"inputs":[{"name":"a","description":"\\ud800"}]}'],
    ["outputs.0.description", '{"outputs":[{"name":"a","description":"\\ud800"}]}'],
  ])("a lone surrogate in %s is 400", async (field, body) => {
    expectFault(await tenant.call("POST", "/software_configs", { body }), 400, field, "lone surrogate");
  });

  it("a surrogate pair, and an escaped backslash before a u, are kept", async () => {
    const body = '{"config":"\\ud83d\\ude00 \\\\ud800"}';
    const { json } = await tenant.call("POST", "/software_configs", { body });
    expect(json.software_config.config).toBe("😀 \\ud800");
  });
});

describe("definitions as Heat makes them", () => {
  it("a name that is null is the empty text, and replace_on_change is shown where it is true", async () => {
    const inputs = [
      { name: null, replace_on_change: null },
      { name: "f", replace_on_change: false },
      { name: "t", replace_on_change: true },
    ];
    const { inputs: shown } = await tenant.configure({ inputs, outputs: [{ name: null }] });
    expect(shown).toEqual([
      { name: "", type: "String" },
      { name: "f", type: "String" },
      { name: "t", type: "String", replace_on_change: true },
    ]);
  });
});
