import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { engines } from "../../infra/local/emulator.ts";
import { apiUrl } from "../support/api.ts";
import { byLink, target } from "../support/delivery.ts";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { isLong } from "../support/long.ts";
import { storedItems } from "../support/table.ts";

const engine = inject("engine") ?? engines[0];
const hasTransactions = engine !== "dynalite";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const post = (body: unknown, headers = {}) => tenant.call("POST", "/software_deployments", { body, headers });

const listed = async (): Promise<any[]> =>
  (await tenant.call("GET", "/software_deployments")).json.software_deployments;

const servers = (count: number): string[] => Array.from({ length: count }, (_, i) => `server-${i}`);

describe.runIf(hasTransactions)(`create many (on ${engine}; left out without transactions)`, () => {
  it("a list of bodies creates all deployments, in the order given, and answers with each", async () => {
    const bodies = servers(100).map((server_id, i) => minimal({ server_id, action: `A${i}` }));
    const reply = await post(bodies);
    expect(reply.status).toBe(200);
    const { software_deployments } = reply.json;
    expect(software_deployments.map((row: any) => row.action)).toEqual(bodies.map(({ action }) => action));
    expect(await listed()).toEqual(software_deployments);
    const { id } = software_deployments[42];
    const { json } = await tenant.call("GET", `/software_deployments/${id}/events`);
    expect(json.events).toMatchObject([{ event: "created", status_after: "IN_PROGRESS" }]);
  });

  it("a list of one body is answered with a list too", async () => {
    const reply = await post([minimal()]);
    expect(reply.json).toEqual({ software_deployments: [expect.objectContaining(minimal())] });
  });

  it("server_ids creates a deployment for each server, alone or in a list of bodies", async () => {
    const { server_id: _, ...body } = minimal({ input_values: { a: 1 } });
    const reply = await post({ ...body, server_ids: servers(3) });
    expect(reply.json.software_deployments.map((row: any) => row.server_id)).toEqual(servers(3));
    const mixed = await post([{ ...body, server_ids: ["x", "y"] }, minimal({ server_id: "z" })]);
    expect(mixed.json.software_deployments.map((row: any) => row.server_id)).toEqual(["x", "y", "z"]);
    const one = await post({ ...body, server_ids: ["only"] });
    expect(one.json.software_deployments).toHaveLength(1);
    expect(await listed()).toHaveLength(7);
  });

  it("a list that is too large for one transaction or one answer is 400, and nothing is stored", async () => {
    const noise = Array.from({ length: 60 }, () =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(750))).toString("base64"),
    ).join("");
    const large = { config_id: "c", server_ids: servers(100), input_values: { a: noise } };
    expectFault(await post(large), 400, "body: too large", "4194304");
    const long = { config_id: "c", server_ids: servers(100), input_values: { a: "x".repeat(100_000) } };
    expectFault(await post(long), 400, "The answer would take more than");
    expect(await listed()).toEqual([]);
  });

  it("a list under an Idempotency-Key is created once, per project", async () => {
    const body = servers(5).map((server_id) => minimal({ server_id }));
    const headers = { "idempotency-key": "batch" };
    const first = await post(body, headers);
    const second = await post(body, headers);
    expect(second.json).toEqual(first.json);
    expect([first, second].map((reply) => reply.headers["idempotent-replayed"])).toEqual([undefined, "true"]);
    await tenant.call("DELETE", `/software_deployments/${first.json.software_deployments[2].id}`);
    expectFault(await post(body, headers), 409, first.json.software_deployments[2].id);
    expect(await listed()).toHaveLength(4);
  });

  it("lists under an Idempotency-Key are equal as JSON is, null for absent in each body", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const body = '{"config_id":"c","server_id":"s","input_values":{"a":1,"b":2}}';
    const same = '{"action":null,"server_id":"s","config_id":"c","input_values":{"b":2,"a":1.0}}';
    const first = await post(`[${body},${body}]`, key);
    const again = await post(`[${same},${body}]`, key);
    expect([again.status, again.headers["idempotent-replayed"], again.json]).toEqual([
      200,
      "true",
      first.json,
    ]);
    expectFault(await post(`[${body}]`, key), 409);
  });

  it("many servers that no path can carry, by server_ids or by bodies, have one Warning", async () => {
    const { id: config_id } = await tenant.configure({ group: "script", config: "#!/bin/sh" });
    for (const body of [
      { config_id, server_ids: ["good", "a/b", "..", "a\\b"] },
      [{ server_id: "good" }, { server_id: "a/b" }, { server_ids: ["..", "c/d"] }].map((one) => ({
        config_id,
        ...one,
      })),
    ]) {
      const { status, headers, json } = await post(body);
      expect([status, json.software_deployments.length]).toEqual([200, 4]);
      expect(headers.warning?.match(/server_id: no path can carry/g)).toHaveLength(1);
    }
  });

  it("many deployments of one configuration are warned of once, and their many faults by twenty sentences", async () => {
    const { id: config_id } = await tenant.configure({ config: "x" });
    const body = { config_id, server_ids: ["a", "b", "c"] };
    const { headers } = await tenant.call("POST", "/software_deployments", { body });
    expect(headers.warning).toBe('299 - "group: agents run nothing that has no group"');
    const unknown = Array.from({ length: 30 }, (_, i) => minimal({ config_id: `é"\r\n${i}` }));
    const many = await tenant.call("POST", "/software_deployments", { body: unknown });
    expect(many.headers.warning).toMatch(/^[ -~]+$/);
    expect(many.headers.warning?.length).toBeLessThan(4_096);
    expect(many.headers.warning?.split(", 299 ")).toHaveLength(21);
    expect(many.headers.warning).toContain('"and 10 more"');
  });

  it("a component without a script for the action is COMPLETE on each of many servers, and none takes the status that another one names", async () => {
    const configs = [{ actions: ["CREATE"], tool: "script", config: "#!/bin/sh" }];
    const { id: config_id } = await tenant.configure({ group: "component", config: { configs } });
    const all = { config_id, action: "UPDATE", server_ids: ["a", "b"] };
    const many = await tenant.call("POST", "/software_deployments", { body: all });
    const one = { config_id, action: "UPDATE", server_id: "s" };
    const named = ["FAILED", "COMPLETE"].map((status) => ({ ...one, status, status_reason: `so ${status}` }));
    const list = await tenant.call("POST", "/software_deployments", { body: named });
    const shown = [...many.json.software_deployments, ...list.json.software_deployments].map(
      ({ status, status_reason }) => [status, status_reason],
    );
    const ended = ["COMPLETE", "No script for action UPDATE"];
    expect(shown).toEqual([ended, ended, ["FAILED", "so FAILED"], ["COMPLETE", "so COMPLETE"]]);
  });
});

describe.runIf(!hasTransactions)(`create many on ${engine}, which has no transactions`, () => {
  it("a list is 503 that names transactions, and nothing is stored; single creates work", async () => {
    expectFault(await post([minimal(), minimal()]), 503, "transactions");
    expect(await storedItems(tenant.project)).toEqual([]);
    expect((await post([minimal()])).status).toBe(200);
  });
});

describe("servers of a create of many", () => {
  it("a server that is named twice is 400, and nothing is made", async () => {
    const tenant = await newTenant();
    const body = { config_id: "c", server_ids: ["a", "b", "a"] };
    expectFault(
      await tenant.call("POST", "/software_deployments", { body }),
      400,
      "server_ids: names a twice",
    );
    expect((await tenant.call("GET", "/software_deployments")).json.software_deployments).toEqual([]);
  });
});

describe("create of many: invalid lists", () => {
  const refused = async (body: unknown, ...words: string[]) => {
    expectFault(await post(body), 400, ...words);
    expect(await listed()).toEqual([]);
  };

  it("a list with wrong members is 400 that names index and field of every fault; nothing is stored", () =>
    refused(
      [minimal(), minimal({ status: "DONE", action: 5 }), { server_id: "" }, 7, { software_deployment: {} }],
      ...["1.status: one of COMPLETE", "1.action: a string", "2.config_id: a string is required"],
      ...["2.server_id: must not be empty", "3: a JSON object is expected", "4: the fields stand at the top"],
    ));

  it("a list of none, or of more than 100, is 400", async () => {
    await refused([], "body: 1 to 100 are expected");
    await refused(
      servers(101).map((server_id) => minimal({ server_id })),
      "body: 1 to 100 are expected",
    );
    const { server_id: _, ...body } = minimal();
    await refused({ ...body, server_ids: servers(101) }, "server_ids: 1 to 100 are expected");
    await refused({ ...body, server_ids: [] }, "server_ids: 1 to 100 are expected");
    await refused([minimal(), { ...body, server_ids: servers(100) }], "server_ids: 1 to 100", "not 101");
  });

  it("wrong server_ids are 400", async () => {
    const { server_id: _, ...body } = minimal();
    await refused({ ...body, server_ids: ["a", ""] }, "server_ids.1: must not be empty");
    await refused({ ...body, server_ids: "a" }, "server_ids: an array is expected");
    await refused(minimal({ server_ids: ["a"] }), "server_ids: takes the place of server_id");
    await refused({ ...body, server_ids: null }, "server_id: a string is required, or server_ids");
  });

  it("a list with a field that nests too deep is 400", async () => {
    const deep = (levels: number): string => `{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    const body = (levels: number) => `[{"config_id":"c","server_id":"s","input_values":${deep(levels)}}]`;
    expectFault(await post(body(64)), 400, "0.input_values: nests deeper than 64 levels");
    expect((await post(body(63))).status).toBe(200);
  });
});

describe.runIf(hasTransactions && (apiUrl === undefined || isLong))("more than one answer takes", () => {
  /** Creates that many deployments for a server, in requests of at most 100. */
  const deployMany = async (server_id: string, bodies: object[], most = 100): Promise<void> => {
    const { id: config_id } = await tenant.configure({ group: "script", config: "#!/bin/sh" });
    for (let at = 0; at < bodies.length; at += most) {
      const some = bodies.slice(at, at + most).map((body) => ({ config_id, server_id, ...body }));
      expect((await post(some)).status).toBe(200);
    }
  };

  const linkOf = async (server: string): Promise<string> =>
    target((await tenant.call("POST", `/software_deployments/metadata/${server}/link`)).json.metadata_url);

  it("values that are unlike each other fit an answer also when they are compressed together", async () => {
    const encodings = ["hex", "base64"] as const;
    const bodies = Array.from({ length: 280 }, (_, i) => ({
      status: "COMPLETE",
      input_values: {
        noise: randomBytes(30_000)
          .toString(encodings[i % 2])
          .slice(0, 30_000),
      },
    }));
    await deployMany("mixed", bodies, 30);
    const link = await linkOf("mixed");
    let collected = 0;
    for (let poll = 0; poll < 2; poll += 1) {
      const reply = await byLink("GET", link, { headers: { "accept-encoding": "gzip" } });
      expect(reply.headers["content-encoding"]).toBe("gzip");
      expect((gzipSync(reply.text, { level: 1 }).byteLength * 4) / 3).toBeLessThan(6_291_556);
      expect(reply.json.deployments.length).toBeGreaterThanOrEqual(collected);
      collected = reply.json.deployments.length;
    }
    expect(collected).toBeGreaterThan(150);
  });

  it("of more than are handed out for the first time at once, what is in progress goes first", async () => {
    await deployMany(
      "busy",
      Array.from({ length: 210 }, () => ({ status: "COMPLETE" })),
    );
    await deployMany("busy", [{ input_values: { urgent: true } }]);
    const link = await linkOf("busy");
    const first = await byLink("GET", link);
    expect(first.json.deployments).toHaveLength(200);
    expect(first.text).toContain('"urgent"');
    expect((await byLink("GET", link)).json.deployments).toHaveLength(211);
  });
});
