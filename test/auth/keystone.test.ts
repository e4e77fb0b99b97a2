import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { authenticator } from "../../lib/auth/authenticate.ts";
import { type Loopback, loopback } from "../support/loopback.ts";

const TOKEN = "gAAAAABlkeystonefernettoken";

/** Keystone's answer about a token that is scoped to a project. */
const validated = (more: object = {}) => ({
  token: {
    methods: ["password"],
    user: { domain: { id: "default", name: "Default" }, id: "u1", name: "demo" },
    audit_ids: ["x"],
    expires_at: new Date(Date.now() + 600_000).toISOString().replace("Z", "000Z"),
    issued_at: new Date().toISOString(),
    project: { domain: { id: "default", name: "Default" }, id: "p1", name: "demo" },
    is_domain: false,
    roles: [
      { id: "r1", name: "reader" },
      { id: "r2", name: "member" },
    ],
    ...more,
  },
});

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

const answers =
  (status: number, body: unknown): Behaviour =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json", "x-subject-token": TOKEN });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };

/** Answers as Keystone does: only the right question about the right token is answered with 200. */
const knows: Behaviour = (request, response) => {
  const right =
    request.method === "GET" &&
    request.url?.split("?")[0] === "/v3/auth/tokens" &&
    request.headers["x-auth-token"] === TOKEN &&
    request.headers["x-subject-token"] === TOKEN;
  setTimeout(() => answers(right ? 200 : 404, validated())(request, response), 50);
};

const halfAnAnswer: Behaviour = (_, response) => {
  response.writeHead(200, { "content-length": "1000" });
  response.write("{");
  setTimeout(() => response.destroy(), 50);
};

const endless: Behaviour = (_, response) => {
  response.writeHead(200);
  const more = (): void => {
    if (!response.destroyed) response.write(" ".repeat(65_536), () => setImmediate(more));
  };
  more();
};

const dropByDrop: Behaviour = (_, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(" "), 200);
  response.on("close", () => clearInterval(timer));
};

describe("Keystone tokens", () => {
  let keystone: Loopback;

  const start = async (behaviour: Behaviour) => {
    keystone = await loopback(behaviour);
    return authenticator({ keystone: { authUrl: `${keystone.url}/v3` } });
  };

  afterEach(() => keystone.close());

  it("Keystone is asked once about a token for many requests at a time, and for the next ones", async () => {
    const check = await start(knows);
    const results = await Promise.all(Array.from({ length: 20 }, () => check(TOKEN)));
    expect(results[19]).toMatchObject({ projectId: "p1", roles: ["reader", "member"] });
    await check(TOKEN);
    expect(keystone.requests).toHaveLength(1);
    await expect(check("another")).rejects.toMatchObject({ kind: "unauthorized" });
  });

  it.each([401, 403, 404])(
    "a token that Keystone answers with %i is unauthorized, and asked about once in 10 s",
    async (status) => {
      const check = await start(answers(status, { error: { code: status, message: "no" } }));
      const asked = async (expected: number) => {
        await expect(check(TOKEN)).rejects.toMatchObject({ kind: "unauthorized" });
        expect(keystone.requests).toHaveLength(expected);
      };
      await asked(1);
      await asked(1);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11_000 });
      await asked(2);
      vi.useRealTimers();
    },
  );

  it("a token without a project is forbidden, and the message says so", async () => {
    const check = await start(answers(200, validated({ project: undefined, domain: { id: "default" } })));
    await expect(check(TOKEN)).rejects.toMatchObject({
      kind: "forbidden",
      message: expect.stringContaining("not scoped to a project"),
    });
  });

  it("the access rules of an application credential are asked of Keystone", async () => {
    const access_rules = [{ id: "r", service: "orchestration", method: "GET", path: "/v1/**" }];
    const check = await start(answers(200, validated({ application_credential: { access_rules } })));
    const { id: _, ...rule } = access_rules[0] ?? { id: "" };
    await expect(check(TOKEN)).resolves.toMatchObject({ accessRules: [rule] });
    expect(keystone.requests[0]?.headers["openstack-identity-access-rules"]).toBe("1.0");
  });

  it("a Keystone token that ended within ten seconds of this clock is accepted", async () => {
    const expires_at = new Date(Date.now() - 7_000).toISOString();
    const check = await start(answers(200, validated({ expires_at })));
    await expect(check(TOKEN)).resolves.toMatchObject({ projectId: "p1" });
  });

  it.each([
    ["that has ended", { expires_at: new Date(Date.now() - 11_000).toISOString() }],
    ["with an end that is no time", { expires_at: "soon" }],
  ])("a Keystone token %s is unauthorized", async (_, more) => {
    const check = await start(answers(200, validated(more)));
    await expect(check(TOKEN)).rejects.toMatchObject({ kind: "unauthorized" });
  });

  it.each<[string, Behaviour]>([
    ["500", answers(500, {})],
    ["429", answers(429, {})],
    ["503 and HTML", answers(503, "<html>")],
    ["200 without JSON", answers(200, "<html>")],
    ["a redirect, not followed", (_, response) => void response.writeHead(302, { location: "/" }).end()],
    ["a cut connection", (request) => void request.socket.destroy()],
    ["half an answer", halfAnAnswer],
    ["an endless answer", endless],
    ["nothing", () => undefined],
    ["drop by drop", dropByDrop],
  ])("a Keystone token is unavailable, not unauthorized, when Keystone answers %s", async (_, behaviour) => {
    const check = await start(behaviour);
    await expect(check(TOKEN)).rejects.toMatchObject({ kind: "unavailable" });
    expect(keystone.requests).toHaveLength(1);
  });

  it("a Keystone token is unavailable when nothing listens at Keystone's address", async () => {
    const check = await start(knows);
    await keystone.close();
    await expect(check(TOKEN)).rejects.toMatchObject({ kind: "unavailable" });
    keystone = await loopback(knows);
  });

  it("Keystone is asked about every token that is not the configured issuer's, its own JSON Web Tokens included", async () => {
    keystone = await loopback(answers(200, validated()));
    const check = authenticator({
      keystone: { authUrl: `${keystone.url}/v3` },
      jwt: {
        issuer: "https://issuer.example",
        audiences: ["a"],
        keys: { keys: { keys: [] } },
        projectClaim: "project_id",
        rolesClaim: "roles",
      },
    });
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const jws = (claims: object): string => `${encoded({ alg: "ES256" })}.${encoded(claims)}.c2ln`;
    await expect(check(jws({ sub: "u" }))).resolves.toMatchObject({ projectId: "p1" });
    const ours = check(jws({ iss: "https://issuer.example" }));
    await expect(ours).rejects.toMatchObject({ kind: "unauthorized" });
    expect(keystone.requests).toHaveLength(1);
  });
});
