import { beforeAll, describe, expect, it } from "vitest";
import { type Call, type Reply, request } from "../support/api.ts";
import {
  deploymentsOf,
  memberToken,
  minimal,
  newProject,
  SEED_PROJECT,
  SEED_REQUEST,
} from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { storedItem, storedItems } from "../support/table.ts";

const project = newProject();
let token: string;

const create = (body: unknown, call: Call = {}): Promise<Reply> =>
  request("POST", deploymentsOf(project), { token, body, ...call });

beforeAll(async () => {
  token = await memberToken(project);
});

describe("create a deployment: accepted", () => {
  it("the API page's example is answered as the page shows it", async () => {
    const reply = await request("POST", deploymentsOf(SEED_PROJECT), {
      token: await memberToken(SEED_PROJECT),
      body: SEED_REQUEST,
    });
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.json)).toEqual(["software_deployment"]);
    expect(Object.entries(reply.json.software_deployment)).toEqual([
      ["status", SEED_REQUEST.status],
      ["server_id", SEED_REQUEST.server_id],
      ["config_id", SEED_REQUEST.config_id],
      ["output_values", null],
      ["input_values", null],
      ["action", SEED_REQUEST.action],
      ["status_reason", SEED_REQUEST.status_reason],
      ["id", expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)],
      ["creation_time", expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)],
    ]);
    expect(reply.headers["content-type"]).toMatch(/^application\/json/);
    expect(reply.headers["x-openstack-request-id"]).toMatch(/^req-[0-9a-f-]{36}$/);
  });

  it("the item stands in the table under project and id, with everything that was answered", async () => {
    const reply = await create({ ...SEED_REQUEST, input_values: { foo: "bar" } });
    const { id, creation_time } = reply.json.software_deployment;
    const stored = (await storedItem(project, id)) ?? {};
    const { events, changedAt, deadlineAt, signalExpiresAt, details, ...item } = stored;
    const { server_id, stack_user_project_id, ...rest } = SEED_REQUEST;
    const { startedAt, startedMs } = details;
    expect(details).toEqual({
      creation_time,
      startedAt,
      startedMs,
      stack_user_project_id,
      isConfigMissing: true,
    });
    expect([changedAt, deadlineAt > startedAt, signalExpiresAt - startedAt]).toEqual([
      startedAt,
      true,
      30 * 86_400,
    ]);
    expect(events.map((event: string) => JSON.parse(event))).toEqual([
      {
        ...{ at: startedAt, event: "created", by: "user", status: "IN_PROGRESS" },
        request_id: reply.headers["x-openstack-request-id"]?.slice("req-".length),
      },
    ]);
    expect(item).toEqual({
      delivery: 0,
      revision: 0,
      ...rest,
      serverKey: `${project}#${server_id}`,
      configKey: `${project}#${SEED_REQUEST.config_id}`,
      project_id: project,
      id,
      input_values: '{"foo":"bar"}',
    });
  });

  it("the two required fields are enough; the deployment is then IN_PROGRESS", async () => {
    const reply = await create(minimal());
    expect(reply.status).toBe(200);
    expect(reply.json.software_deployment).toMatchObject({
      status: "IN_PROGRESS",
      action: null,
      input_values: null,
      output_values: null,
      status_reason: null,
    });
  });

  it("null for an optional field means absent", async () => {
    const nulls = {
      action: null,
      input_values: null,
      status: null,
      status_reason: null,
      stack_user_project_id: null,
    };
    const reply = await create(minimal(nulls));
    expect(reply.status).toBe(200);
    expect(reply.json.software_deployment).toMatchObject({ status: "IN_PROGRESS", status_reason: null });
  });

  it.each(["COMPLETE", "IN_PROGRESS", "FAILED"])("the status %s is accepted", async (status) => {
    expect((await create(minimal({ status }))).json.software_deployment.status).toBe(status);
  });

  it("unknown fields, and fields that the service sets, are ignored and not stored", async () => {
    const extras = {
      id: "mine",
      creation_time: "1999",
      updated_time: "1999",
      output_values: { a: 1 },
      project_id: "p",
      request_id: "r",
      x: 1,
    };
    const reply = await create(minimal(extras));
    expect(reply.status).toBe(200);
    const { id } = reply.json.software_deployment;
    expect(id).not.toBe("mine");
    expect(reply.json.software_deployment.output_values).toBeNull();
    const stored = (await storedItem(project, id)) ?? {};
    const names = ["config_id", "configKey", "id", "project_id", "serverKey", "signalExpiresAt", "status"];
    const more = ["changedAt", "deadlineAt", "delivery", "details", "events", "revision"];
    expect(Object.keys(stored).sort()).toEqual([...names, ...more].sort());
    const { startedMs: _, ...details } = stored.details;
    expect(Object.keys(details).sort()).toEqual(["creation_time", "isConfigMissing", "startedAt"]);
  });

  it("stack_user_project_id is never shown", async () => {
    const reply = await create(minimal({ stack_user_project_id: "the-servers-project" }));
    expect(reply.text).not.toContain("the-servers-project");
  });

  it("ids rise with time, so a list is in the order of creation", async () => {
    const mine = newProject();
    const mineToken = await memberToken(mine);
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const reply = await request("POST", deploymentsOf(mine), { token: mineToken, body: minimal() });
      ids.push(reply.json.software_deployment.id);
    }
    expect((await storedItems(mine)).map(({ id }) => id)).toEqual(ids);
    expect([...ids].sort()).toEqual(ids);
  });

  it.each([
    undefined,
    "text/plain",
    "text/plain; charset=utf-8",
    "application/json",
    "Application/JSON; Charset=UTF-8",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
  ])("a body is read as JSON with the content type %s", async (type) => {
    const reply = await create(JSON.stringify(minimal()), { headers: { "content-type": type ?? "" } });
    expect(reply.status).toBe(200);
  });

  it("a body that arrives in base64 is read", async () => {
    const body = new TextEncoder().encode(JSON.stringify(minimal({ action: "Ünïcödé 😀" })));
    const reply = await create(body, { headers: { "content-type": "application/x-www-form-urlencoded" } });
    expect(reply.json.software_deployment.action).toBe("Ünïcödé 😀");
  });

  it.each(["text/plain", "application/x-www-form-urlencoded"])(
    "a byte order mark before a body of the type %s is skipped",
    async (type) => {
      const body = new TextEncoder().encode(`\ufeff${JSON.stringify(minimal())}`);
      expect((await create(body, { headers: { "content-type": type } })).status).toBe(200);
    },
  );

  it.each(["utf8", '"UTF-8"', "'utf-8'", "us-ascii", "utf-8,application/json"])(
    "the charset %s is read",
    async (charset) => {
      const headers = { "content-type": `application/json;charset=${charset}` };
      expect((await create(JSON.stringify(minimal()), { headers })).status).toBe(200);
    },
  );

  it("values at their limits are accepted", async () => {
    const wide = "😀".repeat(255);
    const body = {
      config_id: wide,
      server_id: wide,
      action: wide,
      stack_user_project_id: "p".repeat(64),
      status_reason: "ü".repeat(32_767),
    };
    const reply = await create(body);
    expect(reply.status).toBe(200);
    expect(reply.json.software_deployment).toMatchObject({ server_id: wide, action: wide });
  });

  it("a server_id need not be a UUID", async () => {
    const reply = await create(minimal({ server_id: "my server" }));
    expect(reply.json.software_deployment.server_id).toBe("my server");
  });

  it("of duplicate keys the last one counts", async () => {
    const reply = await create('{"config_id":"a","server_id":"s","config_id":"b"}');
    expect(reply.json.software_deployment.config_id).toBe("b");
  });
});

describe("create a deployment: 400, and nothing is stored", () => {
  const stray = newProject();
  let strayToken: string;

  beforeAll(async () => {
    strayToken = await memberToken(stray);
  });

  const refused = async (body: unknown, ...words: string[]): Promise<void> => {
    const reply = await request("POST", deploymentsOf(stray), { token: strayToken, body });
    expectFault(reply, 400, ...words);
    expect(await storedItems(stray)).toEqual([]);
  };

  it.each([undefined, "", "{", '{"config_id":', "[]", '"x"', "5", "null", "true", "\ufeff"])(
    "the body %j, which is not a JSON object, is 400",
    (body) => refused(body, "body"),
  );

  it("missing fields are all named", () => refused({}, "config_id", "server_id"));

  it("a body inside software_deployment is 400 that says that the body is flat", () =>
    refused({ software_deployment: minimal() }, "software_deployment"));

  it.each([
    ["config_id", 5],
    ["config_id", ""],
    ["config_id", null],
    ["config_id", "c".repeat(256)],
    ["config_id", "\ud800"],
    ["server_id", ["s"]],
    ["server_id", ""],
    ["server_id", "😀".repeat(256)],
    ["action", 1],
    ["action", "a".repeat(256)],
    ["action", "\udfff"],
    ["input_values", "text"],
    ["input_values", []],
    ["input_values", 1],
    ["status_reason", {}],
    ["status_reason", "r".repeat(65_536)],
    ["status_reason", "ü".repeat(32_768)],
    ["status_reason", "x\ud800"],
    ["stack_user_project_id", true],
    ["stack_user_project_id", "p".repeat(65)],
    ["status", 0],
    ["status", ""],
    ["status", "complete"],
  ])("the field %s with the value %j is 400", (field, value) => refused(minimal({ [field]: value }), field));

  it("a wrong status is 400 that names the three that there are", () =>
    refused(
      minimal({ status: "DONE" }),
      "status: one of COMPLETE, IN_PROGRESS, FAILED is expected",
      '"DONE"',
    ));

  it("all wrong fields are named in one answer", () =>
    refused(
      { config_id: 5, action: [], status: "DONE", input_values: 7 },
      ...["config_id", "server_id", "action", "status", "input_values"],
    ));

  it.each(["ISO-8859-1", '"windows-1252"', "utf-16"])("the charset %s is 400", async (charset) => {
    const reply = await request("POST", deploymentsOf(stray), {
      token: strayToken,
      body: JSON.stringify(minimal()),
      headers: { "content-type": `application/json; Charset=${charset}; x=1` },
    });
    expectFault(reply, 400, `content-type: UTF-8 is expected, not ${charset.replaceAll('"', "")}`);
  });

  it.each(["application/xml", "application/octet-stream", "multipart/form-data; boundary=x", "text/html"])(
    "the content type %s is 400",
    async (type) => {
      const reply = await request("POST", deploymentsOf(stray), {
        token: strayToken,
        body: JSON.stringify(minimal()),
        headers: { "content-type": type },
      });
      expectFault(reply, 400, "content-type");
      expect(await storedItems(stray)).toEqual([]);
    },
  );

  it("a body of 1,048,577 bytes is 400, in Heat's words", () => {
    const body = JSON.stringify(minimal({ x: "" }));
    const text = body.replace('"x":""', `"x":"${"y".repeat(1_048_577 - body.length)}"`);
    return refused(
      text,
      "Request limit exceeded: JSON body size (1048577 bytes) exceeds maximum allowed size (1048576 bytes).",
    );
  });

  it("inputs that leave too little of an item for results are 400", () => {
    const noise = Array.from({ length: 12_000 }, () => crypto.randomUUID()).join("");
    return refused(
      minimal({ input_values: { noise: noise + noise.split("").reverse().join("") } }),
      "input_values",
      "163840",
    );
  });

  it.each([65, 5_000, 100_000])("%i levels of nesting are 400", (count) => {
    const nested = `{"a":${"[".repeat(count - 1)}${"]".repeat(count - 1)}}`;
    return refused(`{"config_id":"c","server_id":"s","input_values":${nested}}`, "input_values", "64 levels");
  });

  it("a huge number where a text belongs is 400", () =>
    refused('{"config_id":12345678901234567890,"server_id":"s"}', "config_id", "12345678901234567890"));

  it("bytes that are not UTF-8 are 400", async () => {
    const body = new Uint8Array([
      ...new TextEncoder().encode('{"config_id":"'),
      0xff,
      ...new TextEncoder().encode('"}'),
    ]);
    const reply = await request("POST", deploymentsOf(stray), {
      token: strayToken,
      body,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(reply.status).toBe(400);
    expect(await storedItems(stray)).toEqual([]);
  });

  it("a project_id with other characters is 400", async () => {
    const odd = "a.b";
    const reply = await request("POST", deploymentsOf(odd), {
      token: await memberToken(odd),
      body: minimal(),
    });
    expectFault(reply, 400, "project_id");
  });
});
