import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { signToken } from "../../infra/local/signing-key.ts";
import { LAST_CALL } from "../../lib/times.ts";
import { request } from "../support/api.ts";
import { deploymentsOf, memberToken, minimal, newProject } from "../support/deployments.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { expectFault } from "../support/faults.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";
import { loopback } from "../support/loopback.ts";

const CANARY = "canary-5f2b";
const LONGEST = "p".repeat(64);

let written: string;

const lines = (): Record<string, any>[] =>
  written
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

beforeEach(() => {
  written = "";
  vi.stubEnv("LOG_LEVEL", "INFO");
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      written += String(chunk);
      return true;
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("a request's log line", () => {
  it("holds id, route, project, status, duration and cold start, in under 400 bytes", async () => {
    const token = await memberToken(LONGEST);
    const reply = await request("POST", deploymentsOf(LONGEST), { token, body: minimal() });
    expect(lines()).toEqual([
      {
        level: "INFO",
        timestamp: expect.stringMatching(/Z$/),
        message: "request",
        request_id: reply.headers["x-openstack-request-id"],
        route: "POST /v1/{project_id}/software_deployments",
        project: LONGEST,
        status: 200,
        duration_ms: expect.any(Number),
        cold_start: true,
      },
    ]);
    expect(Buffer.byteLength(written)).toBeLessThan(400);
    await request("POST", deploymentsOf(LONGEST), { token, body: minimal() });
    expect(lines()[1]).toMatchObject({ cold_start: false });
  });

  it("stays under 400 bytes whatever the path holds", async () => {
    await request("POST", deploymentsOf("p".repeat(8_000)), {});
    expect(lines()).toMatchObject([{ status: 401, project: LONGEST }]);
    expect(Buffer.byteLength(written)).toBeLessThan(400);
    for (const odd of ["%01", "€", '"', "a\u2028"]) {
      written = "";
      await request("POST", `${deploymentsOf(odd.repeat(64))}/metadata/s/link`, {});
      expect(lines()).toMatchObject([{ status: 401 }]);
      expect(Buffer.byteLength(written)).toBeLessThan(400);
    }
  });
});

describe("logs never hold a token, a body or a value", () => {
  it("of any request, good or bad", async () => {
    const project = newProject();
    const token = await memberToken(project);
    const foreign = await signToken("other", [CANARY], 60);
    const values = { action: CANARY, input_values: { [CANARY]: CANARY }, status_reason: CANARY };
    const bodies = [
      minimal(values),
      minimal({ ...values, status: CANARY }),
      `{"${CANARY}": ${CANARY}`,
      `["${CANARY}"]`,
    ];
    for (const body of bodies) {
      await request("POST", deploymentsOf(project), { token, body });
      await request("POST", deploymentsOf(project), { token: foreign, body });
      await request("POST", deploymentsOf(project), { token: `${CANARY}.${CANARY}.${CANARY}`, body });
    }
    expect(lines()).toHaveLength(12);
    expect(written).not.toContain(CANARY);
    for (const secret of [token, foreign]) expect(written).not.toContain(secret.split(".")[2]);
  });

  it("when DynamoDB fails: the error's name and place, not its message", async () => {
    vi.resetModules();
    const proxy = await startFaultProxy(inject("dynamodb"));
    proxy.decide = () => "deny";
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url);
    const project = newProject();
    const body = minimal({ input_values: { a: CANARY } });
    expectFault(
      await request("POST", deploymentsOf(project), { token: await memberToken(project), body }),
      500,
    );
    expect(lines()).toMatchObject([{ status: 500 }, { level: "ERROR", error: "AccessDeniedException" }]);
    expect(written).not.toMatch(new RegExp(`${CANARY}|secret-of-dynamodb`));
    await proxy.close();
  });
});

describe("a failing Keystone", () => {
  it("is logged with its status", async () => {
    vi.resetModules();
    const keystone = await loopback((_, response) => void response.writeHead(502).end());
    vi.stubEnv("KEYSTONE_AUTH_URL", `${keystone.url}/v3`);
    expectFault(await request("GET", deploymentsOf(newProject()), { token: CANARY }), 503);
    expect(lines()).toMatchObject([
      { status: 503 },
      { level: "ERROR", error: "UpstreamError", upstream_status: 502 },
    ]);
    expect(written).not.toContain(CANARY);
    await keystone.close();
  });
});

describe("a token that Keystone will not let validate itself, as that of a trust", () => {
  it("is refused, and the log says why", async () => {
    vi.resetModules();
    const keystone = await loopback((_, response) => void response.writeHead(403).end());
    vi.stubEnv("KEYSTONE_AUTH_URL", `${keystone.url}/v3`);
    expectFault(await request("GET", deploymentsOf(newProject()), { token: CANARY }), 401);
    expect(lines()).toMatchObject([
      { status: 401 },
      { level: "WARN", message: "Keystone answered 403: a token of a trust cannot validate itself" },
    ]);
    expect(written).not.toContain(CANARY);
    await keystone.close();
  });
});

describe("LOG_LEVEL", () => {
  it.each([
    ["INFO", ["request", "request", "fault"]],
    ["ERROR", ["fault"]],
    ["SILENT", []],
  ])("%s", async (level, messages) => {
    vi.resetModules();
    const proxy = await startFaultProxy(inject("dynamodb"));
    proxy.decide = () => "deny";
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url);
    vi.stubEnv("LOG_LEVEL", level);
    const project = newProject();
    const token = await memberToken(project);
    expectFault(await request("POST", deploymentsOf(project), { token, body: {} }), 400);
    expectFault(await request("POST", deploymentsOf(project), { token, body: minimal() }), 500);
    expect(lines().map(({ message }) => message)).toEqual(messages);
    await proxy.close();
  });
});

describe("a function about to time out", () => {
  it("answers 503 before it is ended, and begins no call or repeat after that", async () => {
    vi.resetModules();
    const proxy = await startFaultProxy(inject("dynamodb"));
    proxy.decide = () => "hang";
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url);
    const { handler } = await import("../../functions/software-deployments/create.ts");
    const project = newProject();
    const event = gatewayEvent("POST", deploymentsOf(project), {
      token: await memberToken(project),
      body: minimal(),
    });
    const answer = await handler(event as Parameters<typeof handler>[0], lambdaContext(LAST_CALL + 200));
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toMatch(/^[1-9]/);
    expect(JSON.parse(answer.body).error.message).toBe("The request took too long.");
    expect(lines()).toMatchObject([{ status: 503 }, { level: "ERROR" }]);
    const calls = proxy.calls.length;
    proxy.decide = () => "pass";
    await sleep(3_000);
    expect(proxy.calls).toHaveLength(calls);
    await proxy.close();
  });
});
