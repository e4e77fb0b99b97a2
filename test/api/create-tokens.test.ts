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

describe("create: refused tokens", () => {
  const refused = async (call: Call): Promise<Reply> => {
    const mine = newProject();
    const reply = await request("POST", deploymentsOf(mine), { body: minimal(), ...call });
    expectFault(reply, 401, "Authorization failed");
    expect(reply.headers["www-authenticate"]).toBe("Bearer");
    expect(await storedItems(mine)).toEqual([]);
    return reply;
  };

  it("a create without a token is 401, and nothing is stored", () => refused({}));
  it("an empty token is 401", () => refused({ token: "" }));
  it("a text that is not a token is 401", () => refused({ token: "gAAAAABl" }));

  it("another project's token is 401, and the message says which project it is for", async () => {
    const { json } = await refused({ token: tenant.token });
    expect(json.error.message).toContain(`It is for the project ${tenant.project}.`);
  });

  it("the message names no project of an invalid token, nor of one that is for the project but not enough", async () => {
    const [header, payload] = tenant.token.split(".");
    const forged = await refused({ token: `${header}.${payload}.${"A".repeat(86)}` });
    const expired = await refused({ token: await signToken(tenant.project, ["member"], -60) });
    for (const { json } of [forged, expired])
      expect(json.error.message).toBe("Authorization failed: the token is not valid.");
    const { json } = await create(minimal(), { token: await signToken(tenant.project, ["reader"], 60) });
    expect(json.error.message).toBe("Authorization failed: the token does not allow this request.");
  });

  it("an Authorization scheme other than Bearer is 401", () =>
    refused({ headers: { authorization: "Basic dTpw" } }));

  it("a wrong token is 401 before the body is checked: the caller learns nothing of its faults", async () => {
    for (const body of ["{", "[]", "x".repeat(1_048_577)]) await refused({ body });
    await refused({ headers: { "content-type": "application/xml" } });
  });

  it("a reader's token, and one without roles, is 401", async () => {
    for (const roles of [["reader"], ["guest"], []]) {
      const reply = await create(minimal(), { token: await signToken(tenant.project, roles, 60) });
      expectFault(reply, 401);
    }
  });

  it("an expired token is 401", async () => {
    expectFault(await create(minimal(), { token: await signToken(tenant.project, ["member"], -11) }), 401);
  });

  it("a token over 8 KB is 401", async () => {
    const long = await signToken(tenant.project, ["member", "r".repeat(8_200)], 60);
    expectFault(await create(minimal(), { token: long }), 401, "too long");
  });

  it("tokens of more than 8 KB in both headers together are 401", async () => {
    const token = await signToken(tenant.project, ["member", "r".repeat(4_000)], 60);
    expect((await create(minimal(), { token })).status).toBe(200);
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    expectFault(await create(minimal(), { token, headers }), 401, "too long");
  });

  it("two different tokens in one request are 401", async () => {
    const other = await memberToken(newProject());
    expectFault(await create(minimal(), { headers: { authorization: `Bearer ${other}` } }), 401, "two");
    expectFault(await create(minimal(), { token: `${tenant.token},${other}` }), 401, "two");
  });
});

describe("create: accepted tokens", () => {
  it("a token is accepted as Authorization: Bearer, in upper and lower case", async () => {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const headers = { "content-type": "application/json", authorization: `${scheme} ${tenant.token}` };
      const reply = await request("POST", deploymentsOf(tenant.project), { body: minimal(), headers });
      expect(reply.status).toBe(200);
    }
  });

  it("the same token is accepted in both headers, and twice in one", async () => {
    const both = await create(minimal(), { headers: { authorization: `Bearer ${tenant.token}` } });
    const twice = await create(minimal(), { token: `${tenant.token}, ${tenant.token}` });
    expect([both.status, twice.status]).toEqual([200, 200]);
  });

  it("an admin's token is accepted", async () => {
    const admin = await signToken(tenant.project, ["reader", "admin"], 60);
    expect((await create(minimal(), { token: admin })).status).toBe(200);
  });
});
