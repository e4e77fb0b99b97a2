import { beforeAll, describe, expect, it } from "vitest";
import { signToken } from "../../infra/local/signing-key.ts";
import { type Call, type Reply, request } from "../support/api.ts";
import {
  deploymentsOf,
  memberToken,
  minimal,
  newProject,
  newTenant,
  type Tenant,
} from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { storedItems } from "../support/table.ts";

let tenant: Tenant;

const create = (body: unknown, call: Call = {}): Promise<Reply> =>
  tenant.call("POST", "/software_deployments", { body, ...call });

beforeAll(async () => {
  tenant = await newTenant();
});

describe("create: 401, and nothing is stored", () => {
  const refused = async (call: Call): Promise<Reply> => {
    const mine = newProject();
    const reply = await request("POST", deploymentsOf(mine), { body: minimal(), ...call });
    expectFault(reply, 401, "Authorization failed");
    expect(reply.headers["www-authenticate"]).toBe("Bearer");
    expect(await storedItems(mine)).toEqual([]);
    return reply;
  };

  it("no token", () => refused({}));
  it("an empty token", () => refused({ token: "" }));
  it("something that is not a token", () => refused({ token: "gAAAAABl" }));
  it("another project's token", () => refused({ token: tenant.token }));
  it("another scheme", () => refused({ headers: { authorization: "Basic dTpw" } }));

  it("before the body's faults: an unauthorized caller learns nothing of them", async () => {
    for (const body of ["{", "[]", "x".repeat(1_048_577)]) await refused({ body });
    await refused({ headers: { "content-type": "application/xml" } });
  });

  it("a reader's token, and one without roles", async () => {
    for (const roles of [["reader"], ["guest"], []]) {
      const reply = await create(minimal(), { token: await signToken(tenant.project, roles, 60) });
      expectFault(reply, 401);
    }
  });

  it("an expired token", async () => {
    expectFault(await create(minimal(), { token: await signToken(tenant.project, ["member"], -1) }), 401);
  });

  it("a token over 8 KB", async () => {
    const long = await signToken(tenant.project, ["member", "r".repeat(8_200)], 60);
    expectFault(await create(minimal(), { token: long }), 401, "too long");
  });

  it("a token that takes more than 8 KB in both headers together", async () => {
    const token = await signToken(tenant.project, ["member", "r".repeat(4_000)], 60);
    expect((await create(minimal(), { token })).status).toBe(200);
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    expectFault(await create(minimal(), { token, headers }), 401, "too long");
  });

  it("two different tokens", async () => {
    const other = await memberToken(newProject());
    expectFault(await create(minimal(), { headers: { authorization: `Bearer ${other}` } }), 401, "two");
    expectFault(await create(minimal(), { token: `${tenant.token},${other}` }), 401, "two");
  });
});

describe("create: a token is accepted", () => {
  it("as Authorization: Bearer, in any case of the scheme", async () => {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const headers = { "content-type": "application/json", authorization: `${scheme} ${tenant.token}` };
      const reply = await request("POST", deploymentsOf(tenant.project), { body: minimal(), headers });
      expect(reply.status).toBe(200);
    }
  });

  it("in both headers, or twice, when it is the same", async () => {
    const both = await create(minimal(), { headers: { authorization: `Bearer ${tenant.token}` } });
    const twice = await create(minimal(), { token: `${tenant.token}, ${tenant.token}` });
    expect([both.status, twice.status]).toEqual([200, 200]);
  });

  it("of an admin", async () => {
    const admin = await signToken(tenant.project, ["reader", "admin"], 60);
    expect((await create(minimal(), { token: admin })).status).toBe(200);
  });
});
