import { createHmac } from "node:crypto";
import fc from "fast-check";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { authenticator } from "../../lib/auth/authenticate.ts";
import type { JwtSettings, KeySource } from "../../lib/settings.ts";
import { type Loopback, loopback } from "../support/loopback.ts";

const ISSUER = "https://issuer.example";
const AUDIENCE = "software-deployments";

interface Key {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  jwk: JWK;
}

const makeKey = async (kid: string, alg = "ES256"): Promise<Key> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
};

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

const good = (): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  exp: inSeconds(600),
  project_id: "p1",
  roles: ["member"],
});

const sign = (key: Key, claims: Record<string, unknown> = good(), header: object = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);

const settingsFor = (keys: KeySource): { jwt: JwtSettings } => ({
  jwt: { issuer: ISSUER, audiences: [AUDIENCE], keys, projectClaim: "project_id", rolesClaim: "roles" },
});

const refused = { kind: "unauthorized" };

let key: Key;
let other: Key;

beforeAll(async () => {
  key = await makeKey("k1");
  other = await makeKey("k2");
});

describe("JSON Web Token, static key set", () => {
  const authenticate = (token: string) =>
    authenticator(settingsFor({ keys: { keys: [{ ...key.jwk }] } }))(token);

  it.each(["RS256", "PS256", "ES256", "ES384", "EdDSA"])("a %s token is accepted", async (alg) => {
    const signer = await makeKey("k", alg);
    const check = authenticator(settingsFor({ keys: { keys: [{ ...signer.jwk }] } }));
    await expect(check(await sign(signer))).resolves.toMatchObject({ projectId: "p1", roles: ["member"] });
  });

  it("a token with several audiences, and with roles in one text, is accepted", async () => {
    const token = await sign(key, { ...good(), aud: ["x", AUDIENCE], roles: "reader member" });
    await expect(authenticate(token)).resolves.toMatchObject({ roles: ["reader", "member"] });
  });

  it.each<[string, Record<string, unknown>]>([
    ["expired by more than clocks may differ", { exp: inSeconds(-11) }],
    ["without an end", { exp: undefined }],
    ["with an end that is no number", { exp: "tomorrow" }],
    ["not valid for longer than clocks may differ", { nbf: inSeconds(15) }],
    ["of another issuer", { iss: "https://other.example" }],
    ["without an issuer", { iss: undefined }],
    ["for another audience", { aud: "x" }],
    ["without an audience", { aud: undefined }],
    ["without an audience, for its client", { aud: undefined, client_id: AUDIENCE }],
    ["without a project", { project_id: undefined }],
    ["with an empty project", { project_id: "" }],
    ["with a project that is no text", { project_id: ["p1"] }],
  ])("a token is refused: %s", async (_, claims) => {
    await expect(authenticate(await sign(key, { ...good(), ...claims }))).rejects.toMatchObject(refused);
  });

  it.each([
    ["exp", { exp: inSeconds(-7) }],
    ["nbf", { nbf: inSeconds(7) }],
    ["iat", { iat: inSeconds(7) }],
  ])("a token whose %s is within ten seconds of this clock is accepted", async (_, claims) => {
    await expect(authenticate(await sign(key, { ...good(), ...claims }))).resolves.toBeDefined();
  });

  it("a token whose roles claim has another form has no roles", async () => {
    const odd = authenticate(await sign(key, { ...good(), roles: { a: 1 } }));
    await expect(odd).resolves.toMatchObject({ roles: [] });
  });

  it("a token with another key's signature is refused, with and without that key's id", async () => {
    await expect(authenticate(await sign(other))).rejects.toMatchObject(refused);
    await expect(authenticate(await sign({ ...other, kid: key.kid }))).rejects.toMatchObject(refused);
  });

  it.each(["jwk", "jku", "x5u"])("a token that brings its own key is refused: %s", async (field) => {
    const value = field === "jwk" ? key.jwk : "https://attacker.example/keys";
    await expect(authenticate(await sign(key, good(), { [field]: value }))).rejects.toMatchObject(refused);
    const self = await sign({ ...other, kid: key.kid }, good(), { [field]: other.jwk });
    await expect(authenticate(self)).rejects.toMatchObject(refused);
  });

  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

  it.each(["none", "None", "NONE"])("an unsigned token is refused: alg %s", async (alg) => {
    const unsigned = `${encoded({ alg, kid: "k1" })}.${encoded(good())}.`;
    await expect(authenticate(unsigned)).rejects.toMatchObject(refused);
  });

  it("a token signed by HMAC with the public key is refused", async () => {
    for (const secret of [await exportSPKI(key.publicKey), JSON.stringify(key.jwk)]) {
      const content = `${encoded({ alg: "HS256", kid: "k1" })}.${encoded(good())}`;
      const signature = createHmac("sha256", secret).update(content).digest("base64url");
      await expect(authenticate(`${content}.${signature}`)).rejects.toMatchObject(refused);
    }
  });

  it("a token with any character of its claims or signature changed is refused", async () => {
    const token = await sign(key);
    // The last character of a signature has bits that mean nothing.
    for (let at = token.indexOf(".") + 1; at < token.length - 1; at += 7) {
      if (token[at] === ".") continue;
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      await expect(authenticate(changed)).rejects.toMatchObject(refused);
    }
  });

  it.each(["", "a.b", "a.b.c", "....", "ö", "x y", "e30.e30.e30"])(
    "a text that is no token is refused: %j",
    async (text) => {
      await expect(authenticate(text)).rejects.toMatchObject(refused);
    },
  );
});

describe("JSON Web Token, key set at an address", () => {
  let issuer: Loopback;
  let published: JWK[];
  let status: number;

  const start = async () => {
    published = [key.jwk];
    status = 200;
    issuer = await loopback((_, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ keys: published }));
    });
    return authenticator(settingsFor({ url: new URL(`${issuer.url}/jwks.json`) }));
  };

  /** Another token of the same key: results are kept under the whole token. */
  const fresh = (signer: Key, seconds = 600) =>
    sign(signer, { ...good(), exp: inSeconds(seconds), jti: crypto.randomUUID() });

  const later = (seconds: number): void => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1_000 });
  };

  afterEach(async () => {
    vi.useRealTimers();
    await issuer.close();
  });

  it("the key set is fetched once for many tokens at a time", async () => {
    const check = await start();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => fresh(key)));
    await Promise.all(tokens.map(check));
    expect(issuer.requests.map(({ url }) => url)).toEqual(["/jwks.json"]);
  });

  it("an unknown key id fetches the key set again after a cool-down, so keys can rotate", async () => {
    const check = await start();
    await check(await fresh(key));
    published = [other.jwk, key.jwk];
    await expect(check(await fresh(other))).rejects.toMatchObject(refused);
    expect(issuer.requests).toHaveLength(1);
    later(31);
    await expect(check(await fresh(other))).resolves.toMatchObject({ projectId: "p1" });
    expect(issuer.requests).toHaveLength(2);
  });

  it("invented key ids fetch the key set no more often than the cool-down allows", async () => {
    const check = await start();
    await check(await fresh(key));
    later(31);
    for (let i = 0; i < 10; i += 1) {
      await expect(check(await fresh({ ...other, kid: `invented-${i}` }))).rejects.toMatchObject(refused);
    }
    expect(issuer.requests).toHaveLength(2);
  });

  it("a key set that cannot be fetched is 503, asked for once in a cool-down, and found when the issuer is back", async () => {
    const check = await start();
    status = 500;
    for (let i = 0; i < 5; i += 1) {
      await expect(check(await fresh(key))).rejects.toMatchObject({ kind: "unavailable" });
    }
    expect(issuer.requests).toHaveLength(1);
    status = 200;
    later(31);
    await expect(check(await fresh(key))).resolves.toMatchObject({ projectId: "p1" });
  });

  it("a known key set keeps verifying while the issuer is down; an unknown key is then 503", async () => {
    const check = await start();
    await check(await fresh(key));
    status = 503;
    later(3_600);
    await expect(check(await fresh(key))).resolves.toMatchObject({ projectId: "p1" });
    await expect(check(await fresh(other))).rejects.toMatchObject({ kind: "unavailable" });
    expect(issuer.requests).toHaveLength(2);
  });

  it("a key that the issuer has withdrawn stops verifying within 10 minutes", async () => {
    const check = await start();
    await check(await fresh(key));
    published = [other.jwk];
    later(601);
    await expect(check(await fresh(key))).rejects.toMatchObject(refused);
  });

  it("an issuer that answers something else than a key set is 503", async () => {
    const check = await start();
    published = undefined as unknown as JWK[];
    await expect(check(await fresh(key))).rejects.toMatchObject({ kind: "unavailable" });
  });
});

describe("JSON Web Token, cached results", () => {
  it("a verified token is remembered for 5 minutes at most, and never beyond its end", async () => {
    let published = [key.jwk];
    const issuer = await loopback((_, response) => void response.end(JSON.stringify({ keys: published })));
    const check = authenticator(settingsFor({ url: new URL(issuer.url) }));
    const long = await sign(key, { ...good(), exp: inSeconds(7_200) });
    const short = await sign(key, { ...good(), exp: inSeconds(60) });
    await check(long);
    await check(short);
    published = [];
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start + 71_000 });
    await expect(check(short)).rejects.toMatchObject(refused);
    await expect(check(long)).resolves.toMatchObject({ projectId: "p1" });
    vi.setSystemTime(start + 601_000);
    await expect(check(long)).rejects.toMatchObject(refused);
    vi.useRealTimers();
    await issuer.close();
  });
});

describe("JSON Web Token, hostile input", () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value) ?? "").toString("base64url");

  const check = () => authenticator(settingsFor({ keys: { keys: [{ ...key.jwk }] } }));

  it.each([
    null,
    [],
    "text",
    5,
    true,
    {},
    { alg: null },
    { alg: "ES256", crit: ["x"] },
    { alg: "ES256", b64: 1 },
  ])("a token with the header %j is unauthorized", async (header) => {
    const token = `${part(header)}.${part(good())}.AAAA`;
    await expect(check()(token)).rejects.toMatchObject(refused);
    await expect(check()(`xx.${part(good())}.sig`)).rejects.toMatchObject(refused);
  });

  const decoded = (token: string): string =>
    token
      .split(".")
      .map((text) => Buffer.from(text, "base64url").toString("hex"))
      .join(".");

  it("any made-up or changed token is unauthorized, and never another error", async () => {
    const valid = await sign(key);
    const authenticate = check();
    const json = fc.oneof(fc.jsonValue(), fc.constant(good()), fc.constant({ alg: "ES256", kid: "k1" }));
    const parts = fc.oneof(
      json.map(part),
      fc.base64String(),
      fc.string(),
      fc.constantFrom(...valid.split(".")),
    );
    const made = fc.array(parts, { minLength: 1, maxLength: 5 }).map((all) => all.join("."));
    const changed = fc
      .tuple(fc.nat(valid.length - 1), fc.string({ maxLength: 2 }))
      .map(([at, text]) => valid.slice(0, at) + text + valid.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(made, changed), async (token) => {
        // The last character of Base64 has bits to spare: another one may stand for the same signature.
        fc.pre(decoded(token) !== decoded(valid));
        await expect(authenticate(token)).rejects.toMatchObject(refused);
      }),
      { numRuns: 2_000 },
    );
  });
});
