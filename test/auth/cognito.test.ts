import { readFileSync } from "node:fs";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { request } from "../support/api.ts";
import { expectFault } from "../support/faults.ts";
import { type Loopback, loopback } from "../support/loopback.ts";

const POOL = "eu-central-1_Example01";
const ISSUER = `https://cognito-idp.eu-central-1.amazonaws.com/${POOL}`;
const CLIENT = "1example23456789abcdefghij";
const USER = "73d4b8f2-a0c1-70aa-bb3e-2d0c6f1e9a55";

/** A pool signs its ID tokens and its access tokens by a key each. */
type TokenUse = "id" | "access";
const keys = new Map<TokenUse, { kid: string; sign: CryptoKey; jwk: JWK }>();

let pool: Loopback;

beforeAll(async () => {
  for (const [use, kid] of [
    ["id", "kq0Vw3mExampleExampleExampleExampleExampleE="],
    ["access", "Zt7PxExampleExampleExampleExampleExampleEx8="],
  ] as const) {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    const { e, kty, n } = await exportJWK(publicKey);
    keys.set(use, { kid, sign: privateKey, jwk: { alg: "RS256", e, kid, kty, n, use: "sig" } as JWK });
  }
  pool = await loopback((_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: [...keys.values()].map(({ jwk }) => jwk) }));
  });
});

afterAll(() => pool.close());

/** Makes the service accept the pool's tokens. The handlers are imported at the first request. */
const accept = (more: Record<string, string> = {}): void => {
  const settings = {
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: CLIENT,
    TOKEN_KEYS: `${pool.url}/${POOL}/.well-known/jwks.json`,
    TOKEN_PROJECT_CLAIM: "project_id",
    TOKEN_ROLES_CLAIM: "roles",
    READER_ROLES: "reader",
    MEMBER_ROLES: "member,admin",
    ...more,
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  vi.resetModules();
};

beforeEach(() => accept());

afterEach(() => vi.unstubAllEnvs());

const now = Math.floor(Date.now() / 1_000);

/** The claims that all of a pool's tokens hold. */
const common = () => ({
  sub: USER,
  "cognito:groups": ["member"],
  iss: ISSUER,
  origin_jti: crypto.randomUUID(),
  event_id: crypto.randomUUID(),
  auth_time: now,
  exp: now + 3_600,
  iat: now,
  jti: crypto.randomUUID(),
});

/** The claims of an access token after a sign-in, and what a trigger adds to it. */
const accessClaims = (added: object = {}): Record<string, unknown> => ({
  ...common(),
  version: 2,
  client_id: CLIENT,
  token_use: "access",
  scope: "aws.cognito.signin.user.admin openid profile",
  username: USER,
  ...added,
});

/** The claims of the ID token that comes with it. */
const idClaims = (added: object = {}): Record<string, unknown> => ({
  ...common(),
  email_verified: true,
  "custom:project_id": "p1",
  "cognito:username": USER,
  aud: CLIENT,
  token_use: "id",
  email: "user@example.com",
  ...added,
});

/** The claims of an access token by client credentials: of no user. */
const machineClaims = (added: object = {}): Record<string, unknown> => {
  const { "cognito:groups": _, origin_jti: __, event_id: ___, ...claims } = common();
  const machine = { sub: CLIENT, version: 2, client_id: CLIENT, token_use: "access" };
  return { ...claims, ...machine, scope: "software-deployments/all", ...added };
};

/** A token as the pool signs it: its header holds `kid` and `alg`, and no `typ`. */
const signed = (use: TokenUse, claims: Record<string, unknown>): Promise<string> => {
  const key = keys.get(use);
  if (!key) throw new Error(`no key for ${use}`);
  return new SignJWT(claims).setProtectedHeader({ kid: key.kid, alg: "RS256" }).sign(key.sign);
};

const read = (token: string, project = "p1") => request("GET", `/v1/${project}/stacks`, { token });

/** Needs more than a reader. */
const write = (token: string) => request("POST", "/v1/p1/validate", { token, body: { template: {} } });

const added = (...roles: string[]) => ({ project_id: "p1", roles });

describe("Cognito: access tokens", () => {
  it("an access token of Cognito is accepted for the project and the roles that the trigger wrote into it", async () => {
    const member = await signed("access", accessClaims(added("member")));
    expect([(await read(member)).status, (await write(member)).status]).toEqual([200, 200]);
    expectFault(await read(member, "p2"), 401);
    const reader = await signed("access", accessClaims(added("reader")));
    expect((await read(reader)).status).toBe(200);
    expectFault(await write(reader), 401);
    expect(pool.requests.map(({ url }) => url)).toEqual([`/${POOL}/.well-known/jwks.json`]);
  });

  it("an access token of Cognito without project or roles is 401", async () => {
    expectFault(await read(await signed("access", accessClaims())), 401);
    expectFault(await read(await signed("access", accessClaims({ project_id: "p1" }))), 401);
  });

  it("groups in an access token of Cognito are roles with tokenRolesClaim=cognito:groups", async () => {
    accept({ TOKEN_ROLES_CLAIM: "cognito:groups" });
    expect((await write(await signed("access", accessClaims({ project_id: "p1" })))).status).toBe(200);
  });

  it("an access token of Cognito by client credentials is accepted", async () => {
    expect((await write(await signed("access", machineClaims(added("member"))))).status).toBe(200);
  });

  it("an access token of Cognito for another app client is 401", async () => {
    for (const client_id of ["other", `${CLIENT} other`, [CLIENT], undefined]) {
      const token = await signed("access", { ...accessClaims(added("member")), client_id });
      expectFault(await read(token), 401);
    }
  });

  it("an access token of Cognito with an audience must name an accepted one, whatever its client", async () => {
    const api = "https://deployments.example.com";
    const bound = await signed("access", accessClaims({ ...added("member"), aud: api }));
    expectFault(await read(bound), 401);
    accept({ TOKEN_AUDIENCE: api });
    expect((await read(bound)).status).toBe(200);
    expectFault(await read(await signed("access", accessClaims(added("member")))), 401);
  });
});

describe("Cognito: ID tokens", () => {
  it("an ID token of Cognito is 401, whatever its claims", async () => {
    expectFault(await read(await signed("id", idClaims())), 401);
    expectFault(await read(await signed("id", idClaims({ ...added("member"), client_id: CLIENT }))), 401);
    // An attribute that its user may have written.
    accept({ TOKEN_PROJECT_CLAIM: "custom:project_id", TOKEN_ROLES_CLAIM: "cognito:groups" });
    expectFault(await read(await signed("id", idClaims())), 401);
    expectFault(await read(await signed("access", idClaims())), 401);
  });
});

describe("tokens of other issuers", () => {
  it("a token of another issuer is accepted by its audience only, not by its client_id", async () => {
    const { token_use: _, ...claims } = accessClaims(added("member"));
    expectFault(await read(await signed("access", claims)), 401);
    expect((await read(await signed("access", { ...claims, aud: CLIENT }))).status).toBe(200);
  });
});

describe("Cognito: the trigger in infra/README.md", () => {
  /** The event that Cognito sends before it makes the tokens of a user (version 2), and takes back. */
  const event = (userAttributes: Record<string, string>, groupsToOverride: string[]) => ({
    version: "2",
    triggerSource: "TokenGeneration_HostedAuth",
    region: "eu-central-1",
    userPoolId: POOL,
    userName: USER,
    callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId: CLIENT },
    request: {
      userAttributes: { sub: USER, "cognito:user_status": "CONFIRMED", ...userAttributes },
      groupConfiguration: { groupsToOverride, iamRolesToOverride: [], preferredRole: null },
      scopes: ["aws.cognito.signin.user.admin", "openid", "profile"],
    },
    response: { claimsAndScopeOverrideDetails: null as any },
  });

  const claimsFor = async (attributes: Record<string, string>, groups: string[]): Promise<object> => {
    const [, code = ""] = /^```js\n(.*?)^```$/ms.exec(readFileSync("infra/README.md", "utf8")) ?? [];
    const { handler } = await import(
      /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}#${crypto.randomUUID()}`
    );
    const { response } = JSON.parse(JSON.stringify(await handler(event(attributes, groups))));
    return response.claimsAndScopeOverrideDetails.accessTokenGeneration.claimsToAddOrOverride;
  };

  it("the trigger in infra/README.md writes the user's project and groups into the token", async () => {
    const claims = await claimsFor({ "custom:project_id": "p1" }, ["reader", "member"]);
    expect(claims).toEqual({ project_id: "p1", roles: ["reader", "member"] });
    expect((await write(await signed("access", accessClaims(claims)))).status).toBe(200);
  });

  it("a user without a project gets a token that is 401", async () => {
    const claims = await claimsFor({}, ["member"]);
    expectFault(await read(await signed("access", accessClaims(claims))), 401);
  });
});
