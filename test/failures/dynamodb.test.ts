import { beforeAll, describe, expect, it } from "vitest";
import { request } from "../support/api.ts";
import {
  deploymentsOf,
  memberToken,
  minimal,
  NOBODY,
  newProject,
  newTenant,
} from "../support/deployments.ts";
import type { InjectedFault } from "../support/fault-proxy.ts";
import { injectFaults, limitCallsAsDeployed, proxy } from "../support/fault-proxy-setup.ts";
import { expectFault } from "../support/faults.ts";
import { storedItem, storedItems } from "../support/table.ts";

const project = newProject();
let token: string;

const create = (body: object = minimal()) => request("POST", deploymentsOf(project), { token, body });

const always = (fault: InjectedFault): void => {
  proxy.decide = () => fault;
};

beforeAll(async () => {
  token = await memberToken(project);
});

describe("calls and write units of a create", () => {
  const kilobyte = (text: string): string => {
    const body = JSON.stringify(minimal({ config_id: crypto.randomUUID(), server_id: crypto.randomUUID() }));
    const rest = 1_024 - body.length - ',"input_values":{"script":""}'.length;
    return body.replace("}", `,"input_values":{"script":"${text.repeat(99).slice(0, rest)}"}}`);
  };

  // And one unit for each of the two indexes.
  it.each([
    ["a small body", 1, JSON.stringify(minimal())],
    ["1 KB of script", 1, kilobyte("systemctl restart nginx; curl -fsS http://localhost/health; ")],
    [
      "1 KB of random Base64, which hardly deflates",
      2,
      kilobyte(Buffer.from(crypto.getRandomValues(new Uint8Array(800))).toString("base64")),
    ],
  ])("POST is one PutItem: %s, write units of the table: %i", async (_, units, body) => {
    // The first reads the configuration, which this container then knows to be missing for 30 s.
    await request("POST", deploymentsOf(project), { token, body });
    proxy.calls.splice(0);
    const reply = await request("POST", deploymentsOf(project), { token, body });
    expect(reply.status).toBe(200);
    expect(proxy.calls).toMatchObject([{ operation: "PutItem", units: units + 2, tableUnits: units }]);
  });

  it("POST reads a configuration that this container does not know once, also one that is missing", async () => {
    const operations = () => proxy.calls.splice(0).map(({ operation }) => operation);
    const { id } = await (await newTenant(["member"], project)).configure();
    operations();
    for (const config_id of [id, NOBODY]) {
      await create(minimal({ config_id }));
      expect(operations()).toEqual(["BatchGetItem", "PutItem"]);
      await create(minimal({ config_id }));
      expect(operations()).toEqual(["PutItem"]);
    }
  });

  it.each<InjectedFault>(["fail", "hang"])(
    "POST goes on without its configuration, or is 503 with handling=strict, when that cannot be read (%s)",
    async (trouble) => {
      if (trouble === "hang") limitCallsAsDeployed();
      proxy.decide = (operation) => (operation === "BatchGetItem" ? trouble : "pass");
      const body = minimal({ config_id: crypto.randomUUID() });
      const lenient = await request("POST", deploymentsOf(project), { token, body });
      expect([lenient.status, lenient.headers.warning]).toEqual([200, undefined]);
      const { id } = lenient.json.software_deployment;
      expect((await storedItem(project, id))?.details).not.toHaveProperty("isConfigMissing");
      proxy.calls.splice(0);
      const headers = { prefer: "handling=strict" };
      expectFault(await request("POST", deploymentsOf(project), { token, body, headers }), 503);
      expect(proxy.calls.some(({ operation }) => operation === "PutItem")).toBe(false);
    },
  );

  it("a create that is refused makes no call", async () => {
    await create({});
    await request("POST", deploymentsOf(project), { body: minimal() });
    expect(proxy.calls).toEqual([]);
  });
});

describe("create while DynamoDB fails", () => {
  it.each<InjectedFault>(["throttle", "fail", "cut-before"])(
    "one fault (%s): the SDK's repeat succeeds",
    async (fault) => {
      injectFaults(fault);
      const reply = await create();
      expect(reply.status).toBe(200);
      expect(proxy.calls).toHaveLength(2);
      expect(await storedItem(project, reply.json.software_deployment.id)).toBeDefined();
    },
  );

  it("a lost answer: the repeated create recognizes its own row, and there is one", async () => {
    const before = (await storedItems(project)).length;
    injectFaults("cut-after", "cut-after");
    const reply = await create();
    expect(reply.status).toBe(200);
    expect(proxy.calls).toHaveLength(3);
    expect(await storedItems(project)).toHaveLength(before + 1);
  });

  it.each<InjectedFault>(["throttle", "fail", "cut-before", "hang"])(
    "a lasting fault (%s): 503 with Retry-After that names nothing of DynamoDB",
    async (fault) => {
      if (fault === "hang") limitCallsAsDeployed();
      const before = (await storedItems(project)).length;
      always(fault);
      const reply = await create();
      expectFault(reply, 503);
      expect(reply.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
      expect(reply.text).not.toMatch(/dynamodb|arn:|secret|\.ts/i);
      expect(await storedItems(project)).toHaveLength(before);
    },
  );

  it("a create that conflicts with a transaction is written after it", async () => {
    injectFaults("conflict", "conflict");
    expect((await create()).status).toBe(200);
    expect(proxy.calls).toHaveLength(3);
  });

  it("a removal that landed, and whose repeat conflicts with a transaction, is 503 and not 404", async () => {
    const { json } = await create();
    // The calls are: read, tell the server's collector, and remove.
    injectFaults("pass", "pass", "conflict", "cut-after", "conflict");
    const path = `${deploymentsOf(project)}/${json.software_deployment.id}`;
    expectFault(await request("DELETE", path, { token }), 503);
    expectFault(await request("DELETE", path, { token }), 404);
  });

  it("an error that is no outage: 500 that names nothing of DynamoDB", async () => {
    always("deny");
    const reply = await create();
    expectFault(reply, 500);
    expect(reply.text).not.toMatch(/dynamodb|arn:|secret|\.ts|denied/i);
  });
});
