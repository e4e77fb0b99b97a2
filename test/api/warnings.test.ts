import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { later } from "../support/clock.ts";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("warnings of ignored fields", () => {
  it("an ignored field is named in a Warning header, by every endpoint that takes fields", async () => {
    const { id: config_id } = await tenant.configure({ group: "script", config: "#!/bin/sh" });
    const { id } = await tenant.deploy({ config_id });
    const warning = '299 - "ignored field \\"statuss\\""';
    const body = { statuss: "FAILED", status: "FAILED" };
    const calls: [string, string, object][] = [
      ["POST", "/software_deployments", minimal({ config_id, ...body })],
      ["POST", "/software_deployments", [minimal({ config_id, ...body })]],
      ["PUT", `/software_deployments/${id}`, body],
      ["PATCH", `/software_deployments/${id}`, body],
      ["POST", "/software_configs", { statuss: 1, group: "ansible" }],
    ];
    for (const [method, path, sent] of calls) {
      const reply = await tenant.call(method, path, { body: sent });
      expect([reply.status, reply.headers.warning]).toEqual([200, warning]);
    }
  });

  it("there is no Warning without an ignored field, nor where any field is accepted", async () => {
    const { id: config_id } = await tenant.configure({ group: "script", config: "#!/bin/sh" });
    const reply = await tenant.call("POST", "/software_deployments", {
      body: minimal({ config_id, input_values: { any: 1 }, action: null }),
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
    const warnings = headers.warning?.split(", ").filter((one) => one.includes("ignored")) ?? [];
    expect(warnings).toHaveLength(10);
    for (const warning of warnings) {
      expect(warning).toMatch(/^299 - "ignored field \\"[A-Za-z0-9%._~!*'()-]+\\""$/);
    }
    expect(headers.warning).toContain(`"${"x".repeat(64)}\\"`);
    expect(headers.warning).not.toContain("x".repeat(65));
    expect(headers).not.toHaveProperty("set-cookie");
  });
});

describe("warnings of what no agent will answer", () => {
  const SCRIPT = { name: "s", group: "script", config: "#!/bin/sh\n" };

  const configured = async (config: object): Promise<string> =>
    (await tenant.call("POST", "/software_configs", { body: config })).json.software_config.id;

  const warningOf = async (config: object, deployment: object = {}): Promise<string | undefined> => {
    const body = { config_id: await configured(config), server_id: "s", ...deployment };
    const reply = await tenant.call("POST", "/software_deployments", { body });
    expect(reply.status).toBe(200);
    return reply.headers.warning;
  };

  it("a deployment of a script that can start has no Warning", async () => {
    const inputs = [
      { name: "n", type: "Number" },
      { name: "j", type: "Json" },
    ];
    const input_values = { n: "5", j: { a: 1 }, undeclared: [1], none: null };
    expect(await warningOf({ ...SCRIPT, inputs }, { input_values })).toBeUndefined();
    expect(await warningOf({ group: "my-own-hook", config: {} })).toBeUndefined();
  });

  it.each([
    ["no group", { config: "#!/bin/sh" }, "group: agents run nothing that has no group"],
    ["an empty group", { group: "" }, "group: agents run nothing that has no group"],
    ["Heat's name for none", { group: "Heat::Ungrouped" }, "group: agents run nothing that has no group"],
    ["a hook in another case", { group: "Script" }, "group: Script is no hook of heat-agents, script is"],
    [
      "CR LF",
      { group: "script", config: "#!/bin/sh\r\necho hi\r\n" },
      "config: its first line ends with CR LF",
    ],
    [
      "no interpreter",
      { group: "script", config: "echo hi" },
      "config: its first line does not begin with #!",
    ],
    ["a mark", { group: "script", config: "\ufeff#!/bin/sh\n" }, "config: begins with a byte order mark"],
    ["no text", { group: "script" }, "config: the hook for scripts takes a text"],
  ])("a configuration with %s is warned of, and so is its deployment", async (_, config, sentence) => {
    const reply = await tenant.call("POST", "/software_configs", { body: config });
    expect([reply.status, reply.headers.warning]).toEqual([
      200,
      expect.stringContaining(`299 - "${sentence}`),
    ]);
    expect(await warningOf(config)).toContain(`299 - "${sentence}`);
  });

  it.each([
    ["a value that does not fit its type", { n: "five" }, "input_values.n: does not fit the type Number"],
    ["a NUL", { a: "\u0000" }, "inputs.a: holds a NUL character"],
    ["140,000 characters", { a: "x".repeat(140_000) }, "inputs.a: takes more than 128 KiB"],
    ["a name with =", { "a=b": "x" }, "inputs.a=b: no variable can have this name"],
  ])("a deployment with %s among its inputs is warned of", async (_, input_values, sentence) => {
    const inputs = [{ name: "n", type: "Number" }];
    expect(await warningOf({ ...SCRIPT, inputs }, { input_values })).toContain(sentence);
  });

  it("a declared input that no script can start with is warned of, though it has no value", async () => {
    const warning = await warningOf({ ...SCRIPT, inputs: [{ name: "a=b" }, { name: "c", default: "\0" }] });
    expect(warning).toContain("inputs.a=b: no variable can have this name");
    expect(warning).toContain("inputs.c: holds a NUL character");
  });

  it("the header has at most 4 kB, whatever characters the names have", async () => {
    const names = Array.from({ length: 30 }, (_, i) => `${"😀".repeat(80)}${i}=`);
    const input_values = Object.fromEntries(names.map((name) => [name, 1]));
    const warning = (await warningOf(SCRIPT, { input_values })) ?? "";
    expect(warning.length).toBeLessThan(4_096);
    expect(warning).toMatch(/^[ -~]+$/);
    expect(warning.split('", 299 ')).toHaveLength(10);
  });

  it("a deployment of a configuration that is not kept here is warned of, and its time limit blames no server", async () => {
    const body = minimal({ timeout: 1 });
    const { json, headers } = await tenant.call("POST", "/software_deployments", { body });
    expect(headers.warning).toContain("config_id: no configuration with id");
    const { id } = json.software_deployment;
    await later(1_100);
    const shown = await tenant.call("GET", `/software_deployments/${id}`);
    const reason =
      "Timed out after 1 seconds: its configuration is not kept here, so that no server was given it";
    expect(shown.json.software_deployment).toMatchObject({ status: "FAILED", status_reason: reason });
    const { json: list } = await tenant.call("GET", "/software_deployments");
    expect(list.software_deployments[0]).toMatchObject({ status_reason: reason });
    const config_id = await configured(SCRIPT);
    const update = { config_id, timeout: 1 };
    const updated = await tenant.call("PUT", `/software_deployments/${id}`, { body: update });
    expect(updated.headers).not.toHaveProperty("warning");
    await later(1_100);
    const after = await tenant.call("GET", `/software_deployments/${id}`);
    expect(after.json.software_deployment.status_reason).toContain("the server never collected it");
  });
});

describe("a configuration that was decoded wrongly", () => {
  const body = '{"group":"ansible","config":"gr\ufffd"}';

  it("U+FFFD in a configuration that names no charset is warned of; where it names UTF-8, and in escapes, it is not", async () => {
    const create = (sent: string, type = "application/json") =>
      tenant.call("POST", "/software_configs", { body: sent, headers: { "content-type": type } });
    for (const type of ["", "application/json", "text/plain"]) {
      const { status, headers } = await create(body, type);
      expect([status, headers.warning]).toEqual([200, expect.stringContaining("body: holds U+FFFD")]);
    }
    for (const reply of [
      await create(body, "application/json; charset=utf-8"),
      await create(body.replace("\ufffd", "\\ufffd")),
    ])
      expect([reply.status, reply.headers.warning]).toEqual([200, undefined]);
  });
});

describe("a component without a script for the action", () => {
  const COMPONENT = {
    group: "component",
    config: { configs: [{ actions: ["CREATE"], tool: "script", config: "#!/bin/sh" }] },
  };

  let config_id: string;

  beforeEach(async () => {
    config_id = (await tenant.call("POST", "/software_configs", { body: COMPONENT })).json.software_config.id;
  });

  const deploy = async (more: object) => {
    const body = { config_id, server_id: "s", ...more };
    return (await tenant.call("POST", "/software_deployments", { body })).json.software_deployment;
  };

  it("is COMPLETE at once, with the reason, unless the request names a status", async () => {
    expect(await deploy({ action: "CREATE" })).toMatchObject({ status: "IN_PROGRESS", status_reason: null });
    expect(await deploy({ action: "UPDATE" })).toMatchObject({
      status: "COMPLETE",
      status_reason: "No script for action UPDATE",
    });
    expect(await deploy({})).toMatchObject({ status: "COMPLETE" });
    expect(await deploy({ action: "UPDATE", status: "IN_PROGRESS" })).toMatchObject({
      status: "IN_PROGRESS",
    });
  });

  it.each([
    ["without a tool", [{ actions: ["CREATE"], config: "#!/bin/sh" }]],
    ["after one without actions", [{ tool: "x" }, { actions: ["CREATE"], tool: "script", config: "" }]],
    ["of none", null],
  ])("is COMPLETE at once for a script %s, over which agents stumble", async (_, configs) => {
    const { json } = await tenant.call("POST", "/software_configs", {
      body: { group: "component", config: { configs } },
    });
    const { id } = json.software_config;
    expect(await deploy({ config_id: id, action: "CREATE" })).toMatchObject({ status: "COMPLETE" });
  });

  it("is COMPLETE at once after an update, a patch and a rerun too", async () => {
    const { id } = await deploy({ action: "CREATE" });
    const path = `/software_deployments/${id}`;
    const ended = { status: "COMPLETE", status_reason: "No script for action DELETE" };
    for (const method of ["PUT", "PATCH"]) {
      const back = await tenant.call("PUT", path, { body: { action: "CREATE" } });
      expect(back.json.software_deployment.status).toBe("IN_PROGRESS");
      const reply = await tenant.call(method, path, { body: { action: "DELETE" } });
      expect(reply.json.software_deployment).toMatchObject(ended);
      expect(reply.headers.warning).toContain("action: the component has no script for it");
    }
    expect((await tenant.call("POST", `${path}/rerun`)).json.software_deployment).toMatchObject(ended);
    const { events } = (await tenant.call("GET", `${path}/events`)).json;
    expect(events.at(-1)).toMatchObject({ event: "rerun", status_after: "COMPLETE" });
  });
});

describe("warnings of servers that no path can carry", () => {
  const WARNING =
    '299 - "server_id: no path can carry . or .., nor an id with / ? # \\\\ or a control character, so that the server can get no link"';

  const create = async (body: object, headers: Record<string, string> = {}) => {
    const { id: config_id } = await tenant.configure({ group: "script", config: "#!/bin/sh" });
    const bodies = Array.isArray(body) ? body.map((one) => ({ config_id, ...one })) : { config_id, ...body };
    return tenant.call("POST", "/software_deployments", { body: bodies, headers });
  };

  const list = async (query = ""): Promise<any[]> =>
    (await tenant.call("GET", `/software_deployments${query}`)).json.software_deployments;

  it.each(["my/server", "a?", "#1", "a\\b", "a\nb", "\u007f", "\u0085", ".", ".."])(
    "a deployment for %j is made with a Warning, and its list is found",
    async (server_id) => {
      const reply = await create({ server_id });
      expect([reply.status, reply.headers.warning]).toEqual([200, WARNING]);
      const made = reply.json.software_deployment;
      expect(made.server_id).toBe(server_id);
      expect(await list(`?server_id=${encodeURIComponent(server_id)}`)).toEqual([made]);
    },
  );

  it("with handling=strict they are 400, and nothing is made", async () => {
    const strict = { prefer: "handling=strict" };
    for (const body of [{ server_id: "a/b" }, { server_ids: ["good", ".."] }, [{ server_id: "a?" }]])
      expectFault(await create(body, strict), 400, "server_id: no path can carry . or ..");
    expect(await list()).toEqual([]);
    expect((await create({ server_id: "my server" }, strict)).status).toBe(200);
  });
});

describe("Prefer: handling=strict", () => {
  const strict = { prefer: "return=minimal, handling=strict" };

  it.each([
    "handling=strict",
    'Handling="strict"',
    "respond-async, handling=strict; x=1",
    'a="b, c", handling=strict, handling=lenient',
  ])("what would be a Warning is 400 with %s, and nothing is made", async (prefer) => {
    const headers = { prefer };
    const body = minimal({ timeuot: 5 });
    const refused = await tenant.call("POST", "/software_deployments", { body, headers });
    expectFault(refused, 400, 'ignored field "timeuot"');
    expect((await tenant.call("GET", "/software_deployments")).json.software_deployments).toEqual([]);
  });

  it("a configuration that is not kept here, and one that no agent runs, are 400 with handling=strict", async () => {
    const headers = strict;
    const create = (body: object) => tenant.call("POST", "/software_deployments", { body, headers });
    expectFault(await create(minimal({})), 400, "config_id: no configuration with id");
    expectFault(
      await tenant.call("POST", "/software_configs", { body: { config: "x" }, headers }),
      400,
      "group",
    );
    const { id } = await tenant.configure({ group: "script", config: "echo" });
    expectFault(await create({ config_id: id, server_ids: ["a", "b"] }), 400, "config: its first line");
    expect((await tenant.call("GET", "/software_deployments")).json.software_deployments).toEqual([]);
  });

  it("a change that begins a run is 400 with handling=strict, and changes nothing", async () => {
    const { id } = await tenant.deploy();
    const path = `/software_deployments/${id}`;
    const before = (await tenant.call("GET", path)).json;
    const body = { input_values: { a: 2 } };
    for (const [method, target] of [
      ["PUT", path],
      ["PATCH", path],
      ["POST", `${path}/rerun`],
    ] as const) {
      const sent = method === "POST" ? {} : { body };
      expectFault(await tenant.call(method, target, { ...sent, headers: strict }), 400, "config_id");
    }
    expect((await tenant.call("GET", path)).json).toEqual(before);
    const reply = await tenant.call("PUT", path, { body: { status: "FAILED" }, headers: strict });
    expect([reply.status, reply.headers["preference-applied"]]).toEqual([200, "handling=strict"]);
  });

  it("the preference that was applied is in the answer, and no other is", async () => {
    const config = { group: "script", config: "#!/bin/sh" };
    const { json, headers } = await tenant.call("POST", "/software_configs", {
      body: config,
      headers: strict,
    });
    expect([headers["preference-applied"], headers.warning]).toEqual(["handling=strict", undefined]);
    const body = { config_id: json.software_config.id, server_id: "s" };
    const applied = await tenant.call("POST", "/software_deployments", { body, headers: strict });
    expect([applied.status, applied.headers["preference-applied"]]).toEqual([200, "handling=strict"]);
    for (const prefer of [
      "handling=lenient",
      "xhandling=strict",
      "handling=stricter",
      // The first of two counts (RFC 7240, 2), and a quoted text is none.
      "handling=lenient, handling=strict",
      'foo="a, handling=strict"',
      'foo=1; bar="\\", handling=strict"',
    ]) {
      const lenient = await tenant.call("POST", "/software_deployments", { body, headers: { prefer } });
      expect([lenient.status, lenient.headers["preference-applied"]]).toEqual([200, undefined]);
    }
  });

  it("a repeat under an Idempotency-Key is answered with what the first made, whatever it prefers", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const first = await tenant.call("POST", "/software_deployments", { body: minimal({}), headers: key });
    expect(first.headers.warning).toBeDefined();
    const again = await tenant.call("POST", "/software_deployments", {
      body: minimal({}),
      headers: { ...key, ...strict },
    });
    expect([again.status, again.headers["idempotent-replayed"]]).toEqual([200, "true"]);
    expect(again.json).toEqual(first.json);
  });
});
