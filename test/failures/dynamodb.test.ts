import { beforeAll, describe, expect, it } from "vitest";
import { request } from "../support/api.ts";
import { deploymentsOf, memberToken, minimal, newProject } from "../support/deployments.ts";
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

describe("create costs", () => {
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
  ])("one PutItem: %s, write units of the table: %i", async (_, units, body) => {
    const reply = await request("POST", deploymentsOf(project), { token, body });
    expect(reply.status).toBe(200);
    expect(proxy.calls).toMatchObject([{ operation: "PutItem", units: units + 2, tableUnits: units }]);
  });

  it("nothing for a request that is refused", async () => {
    await create({});
    await request("POST", deploymentsOf(project), { body: minimal() });
    expect(proxy.calls).toEqual([]);
  });
});

describe("DynamoDB in trouble", () => {
  it.each<InjectedFault>(["throttle", "fail", "cut-before"])(
    "%s once: the SDK's repeat succeeds",
    async (fault) => {
      injectFaults(fault);
      const reply = await create();
      expect(reply.status).toBe(200);
      expect(proxy.calls).toHaveLength(2);
      expect(await storedItem(project, reply.json.software_deployment.id)).toBeDefined();
    },
  );

  it("a lost answer: the repeat recognizes its own row, and there is one", async () => {
    const before = (await storedItems(project)).length;
    injectFaults("cut-after", "cut-after");
    const reply = await create();
    expect(reply.status).toBe(200);
    expect(proxy.calls).toHaveLength(3);
    expect(await storedItems(project)).toHaveLength(before + 1);
  });

  it.each<InjectedFault>(["throttle", "fail", "cut-before", "hang"])(
    "%s for good: 503 that may be tried again, and nothing of DynamoDB in it",
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

  it("meeting a transaction, which the SDK does not repeat: it is written after it", async () => {
    injectFaults("conflict", "conflict");
    expect((await create()).status).toBe(200);
    expect(proxy.calls).toHaveLength(3);
  });

  it("a write that landed, and whose repeat meets a transaction: 503, and not that its own work is not there", async () => {
    const { json } = await create();
    // The calls are: read, tell the server's collector, and remove.
    injectFaults("pass", "pass", "conflict", "cut-after", "conflict");
    const path = `${deploymentsOf(project)}/${json.software_deployment.id}`;
    expectFault(await request("DELETE", path, { token }), 503);
    expectFault(await request("DELETE", path, { token }), 404);
  });

  it("a fault that will not pass: 500, and nothing of DynamoDB in it", async () => {
    always("deny");
    const reply = await create();
    expectFault(reply, 500);
    expect(reply.text).not.toMatch(/dynamodb|arn:|secret|\.ts|denied/i);
  });
});
