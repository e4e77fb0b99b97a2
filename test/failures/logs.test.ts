import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, inject, it, vi } from "vitest";
import { freePort } from "../../infra/local/emulator.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { type Route, routes } from "../../infra/serverless/route-table.ts";
import { agentLinks, linkExpiry } from "../../lib/link/addresses.ts";
import { ABORT_MARGIN_MS } from "../../lib/times.ts";
import { request } from "../support/api.ts";
import { deploymentsOf, memberToken, minimal, newProject } from "../support/deployments.ts";
import { type Metric, metricsOf } from "../support/embedded-metrics.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { expectFault } from "../support/faults.ts";
import { gatewayEvent, lambdaContext, matching } from "../support/gateway.ts";
import { handlerOf } from "../support/handlers.ts";
import { type LogLine, recordLog } from "../support/log-lines.ts";
import { loopback } from "../support/loopback.ts";

const NAMESPACE = "software-deployments-dev";
const CANARY = "canary-5f2b";
const LONGEST = "p".repeat(64);

const log = recordLog();
const { lines } = log;

/** The part of a name that a line holds. */
const namePart = (text: string): string | undefined => /^[\w.:-]{1,48}/.exec(text)?.[0];

/** Calls an endpoint that throws an error. */
const failingWith = async (error: Error): Promise<void> => {
  const { endpoint } = await import("../../lib/http/endpoint.ts");
  const failing = endpoint({ access: [] }, () => Promise.reject(error));
  const event = gatewayEvent("GET", "/health", {}) as Parameters<typeof failing>[0];
  expect((await failing(event, lambdaContext())).statusCode).toBe(500);
};

/** A metric of the function that creates deployments. */
const ofFunction = (name: string, unit: string, value: number): Metric => ({
  namespace: NAMESPACE,
  dimensions: { FunctionName: `${NAMESPACE}-createSoftwareDeployment` },
  name,
  unit,
  value,
});

describe("log line of a request", () => {
  it("a request's log line holds id, route, names, status and numbers as CloudWatch metrics", async () => {
    const token = await memberToken(LONGEST);
    const begun = Date.now();
    const reply = await request("POST", deploymentsOf(LONGEST), { token, body: minimal() });
    const FunctionName = "software-deployments-dev-createSoftwareDeployment";
    expect(lines()).toEqual([
      {
        level: "INFO",
        message: "request",
        request_id: reply.headers["x-openstack-request-id"],
        route: "POST /v1/{project_id}/software_deployments",
        project: LONGEST,
        id: reply.json.software_deployment.id,
        status: 200,
        FunctionName,
        Latency: expect.any(Number),
        ColdStart: 1,
        DeploymentsCreated: 1,
        _aws: { Timestamp: expect.any(Number), CloudWatchMetrics: expect.any(Array) },
      },
    ]);
    const [first = {}] = lines();
    expect(metricsOf(first)).toEqual([
      { namespace: NAMESPACE, dimensions: {}, name: "DeploymentsCreated", unit: "Count", value: 1 },
      ofFunction("Latency", "Milliseconds", first.Latency),
      ofFunction("ColdStart", "Count", 1),
    ]);
    expect(first._aws.Timestamp).toBeGreaterThanOrEqual(begun);
    expect(first._aws.Timestamp).toBeLessThanOrEqual(Date.now());
    log.clear();
    await request("GET", deploymentsOf(LONGEST), { token });
    await request("GET", deploymentsOf(LONGEST), { token });
    expect(metricsOf(lines()[1] ?? {})).toHaveLength(1);
  });

  describe("size of a log line", () => {
    // Lambda takes 64 characters for a function's name, which begins with the namespace (`infra/serverless/limits.ts`).
    const namespace = "n".repeat(63 - Math.max(...routes.map(({ name }) => name.length)));
    const odd = [LONGEST, "p".repeat(8_000), "%01".repeat(64), "€".repeat(64), '"'.repeat(64)];

    /** The lines of a request to a container that has just started; each is in the metrics' format. */
    const linesOf = async (route: Route, event: object): Promise<LogLine[]> => {
      vi.resetModules();
      vi.stubEnv("METRICS_NAMESPACE", namespace);
      const handler = await handlerOf(route);
      log.clear();
      const context = { ...lambdaContext(), functionName: `${namespace}-${route.name}` };
      await handler(event as Parameters<typeof handler>[0], context);
      const [line = {}] = lines();
      expect(line).toMatchObject({ message: "request", ColdStart: 1 });
      const slowest = JSON.stringify({ ...line, Latency: 10_000.1 });
      expect(Buffer.byteLength(slowest)).toBeLessThanOrEqual(800);
      expect(() => lines().map(metricsOf)).not.toThrow();
      return lines();
    };

    it("the log line of a failed request takes at most 800 bytes, whatever its path holds", async () => {
      vi.stubEnv("KEYSTONE_AUTH_URL", "http://127.0.0.1:1/v3");
      for (const route of routes.filter(({ path }) => path.includes("{project_id}"))) {
        for (const text of odd) {
          const { pathParameters, ...event } = gatewayEvent(route.method, route.path, { token: CANARY });
          const named = Object.keys(pathParameters ?? {}).map((name) => [name, text]);
          const [line, fault = {}] = await linesOf(route, {
            ...event,
            pathParameters: Object.fromEntries(named),
          });
          expect(line?.status).toBe(503);
          expect(metricsOf(fault).map(({ name }) => name)).toEqual(["ServerErrors", "TokenChecksFailed"]);
        }
      }
    });

    it("the log line of a request by a link that is not genuine takes at most 800 bytes, and says nothing of it", async () => {
      for (const route of routes.filter(({ path }) => path.startsWith("/agent/"))) {
        for (const text of [...odd, { a: CANARY }]) {
          const claims = JSON.stringify({ project: text, server: text, deployment: text });
          const target = `${route.path}?capability=${Buffer.from(claims).toString("base64url")}.AAAA`;
          const [line] = await linesOf(route, gatewayEvent(route.method, target, {}));
          expect(line?.status).toBe(401);
          for (const name of ["project", "server", "id"]) expect(line).not.toHaveProperty(name);
        }
      }
    });

    it("the log line of a poll by a genuine link takes at most 800 bytes, whatever its server is named", async () => {
      const route = matching("GET", "/agent/metadata").route;
      for (const server of [...odd, "web-1"].map((text) => text.slice(0, 255))) {
        const { collectUrl } = await agentLinks("http://localhost:3000");
        const issued = Date.now();
        const url = new URL(collectUrl({ project: LONGEST, server, issued, expires: linkExpiry(issued) }));
        const [line] = await linesOf(route, gatewayEvent("GET", `${url.pathname}${url.search}`, {}));
        expect([line?.status, line?.server]).toEqual([200, namePart(server)]);
      }
    });

    it("the log line of a create of many takes at most 800 bytes", async () => {
      const token = await memberToken(LONGEST);
      for (const body of [minimal(), Array.from({ length: 100 }, () => minimal())]) {
        const event = gatewayEvent("POST", deploymentsOf(LONGEST), { token, body });
        const [line] = await linesOf(matching("POST", event.rawPath).route, event);
        expect(line).toMatchObject({ status: 200, project: LONGEST });
        expect(line?.id === undefined).toBe(Array.isArray(body));
      }
    });
  });

  it("with metrics off, log lines hold the numbers, but no metrics", async () => {
    vi.resetModules();
    vi.stubEnv("METRICS_NAMESPACE", "");
    const project = newProject();
    await request("POST", deploymentsOf(project), { token: await memberToken(project), body: minimal() });
    expect(lines()).toMatchObject([
      {
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        Latency: expect.any(Number),
        ColdStart: 1,
        DeploymentsCreated: 1,
      },
    ]);
    expect(log.text()).not.toContain("_aws");
  });
});

describe("logs hold no token, body or value", () => {
  it("no log line of any request, good or bad, holds a token, a body or a value", async () => {
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
    expect(log.text()).not.toContain(CANARY);
    for (const secret of [token, foreign]) expect(log.text()).not.toContain(secret.split(".")[2]);
  });

  it("every line names its function, also that of a failure", async () => {
    vi.resetModules();
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "software-deployments-prod-createSoftwareDeployment");
    await failingWith(new Error(CANARY));
    const names = lines().map(({ message, FunctionName }) => [message, FunctionName]);
    const name = "software-deployments-prod-createSoftwareDeployment";
    expect(names).toEqual([
      ["request", expect.any(String)],
      ["fault", name],
    ]);
  });

  it("a failure of DynamoDB is logged by the error's name and place, not by its message", async () => {
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
    expect(log.text()).not.toMatch(new RegExp(`${CANARY}|secret-of-dynamodb`));
    await proxy.close();
  });
});

describe("log of a failure in one of many", () => {
  it("the failure is logged, and the request that answers 200", async () => {
    vi.resetModules();
    const proxy = await startFaultProxy(inject("dynamodb"));
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url);
    const project = newProject();
    const token = await memberToken(project);
    const path = deploymentsOf(project);
    const { id } = (await request("POST", path, { token, body: minimal() })).json.software_deployment;
    log.clear();
    proxy.decide = (operation) => (operation === "UpdateItem" ? "deny" : "pass");
    const { status, json } = await request("POST", `${path}/cancel`, { token, body: { ids: [id] } });
    expect([status, json.results[0].code]).toEqual([200, 500]);
    expect(lines()).toMatchObject([
      { level: "ERROR", message: "fault", error: "AccessDeniedException", ServerErrors: 1 },
      { message: "request", status: 200 },
    ]);
    await proxy.close();
  });
});

describe("log of a network error", () => {
  it("a dependency that refuses connections is logged with the network error's code", async () => {
    vi.resetModules();
    const closed = `http://127.0.0.1:${await freePort()}`;
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", closed);
    const project = newProject();
    const path = deploymentsOf(project);
    expectFault(await request("POST", path, { token: await memberToken(project), body: minimal() }), 503);
    vi.stubEnv("KEYSTONE_AUTH_URL", `${closed}/v3`);
    vi.resetModules();
    expectFault(await request("GET", path, { token: CANARY }), 503);
    expect(lines()).toMatchObject([
      { status: 503 },
      { level: "ERROR", code: "ECONNREFUSED" },
      { status: 503 },
      { level: "ERROR", code: "ECONNREFUSED" },
    ]);
    expect(log.text()).not.toContain(closed.split("/").at(-1));
  });

  it("only names of system errors are logged as a code", async () => {
    const errors = [
      Object.assign(new Error(CANARY), { code: "ETIMEDOUT" }),
      new Error(CANARY, { cause: Object.assign(new Error(CANARY), { code: "EAI_AGAIN" }) }),
      ...[CANARY, "ERR_INVALID_URL", `E${"A".repeat(40)}`, "Econnreset", 5, { E: CANARY }].map((code) =>
        Object.assign(new Error(CANARY), { code }),
      ),
      new Error(CANARY, { cause: CANARY }),
    ];
    vi.resetModules();
    for (const error of errors) await failingWith(error);
    const faults = lines().filter(({ message }) => message === "fault");
    expect(faults.map(({ code }) => code)).toEqual([
      "ETIMEDOUT",
      "EAI_AGAIN",
      ...errors.slice(2).map(() => undefined),
    ]);
    expect(log.text()).not.toContain(CANARY);
  });
});

describe("log of a failing Keystone", () => {
  it("a failing Keystone is logged with its status", async () => {
    vi.resetModules();
    const keystone = await loopback((_, response) => void response.writeHead(502).end());
    vi.stubEnv("KEYSTONE_AUTH_URL", `${keystone.url}/v3`);
    expectFault(await request("GET", deploymentsOf(newProject()), { token: CANARY }), 503);
    expect(lines()).toMatchObject([
      { status: 503 },
      { level: "ERROR", error: "UpstreamError", upstream_status: 502 },
    ]);
    expect(log.text()).not.toContain(CANARY);
    await keystone.close();
  });
});

describe("log of a trust's token", () => {
  it("a token of a trust, which cannot validate itself, is 401, and the log says why", async () => {
    vi.resetModules();
    const keystone = await loopback((_, response) => void response.writeHead(403).end());
    vi.stubEnv("KEYSTONE_AUTH_URL", `${keystone.url}/v3`);
    expectFault(await request("GET", deploymentsOf(newProject()), { token: CANARY }), 401);
    expect(lines()).toMatchObject([
      { status: 401 },
      { level: "WARN", message: "Keystone answered 403: a token of a trust cannot validate itself" },
    ]);
    expect(log.text()).not.toContain(CANARY);
    await keystone.close();
  });
});

describe("LOG_LEVEL", () => {
  it.each([
    ["INFO", ["request", "request", "fault"]],
    ["ERROR", ["fault"]],
    ["SILENT", []],
  ])("LOG_LEVEL=%s selects the lines that are logged", async (level, messages) => {
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

describe("function about to time out", () => {
  it("a function about to time out answers 503, and begins no call or repeat after that", async () => {
    vi.resetModules();
    vi.stubEnv("CALL_LIMITS", "production");
    const proxy = await startFaultProxy(inject("dynamodb"));
    proxy.decide = () => "hang";
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url);
    const { handler } = await import("../../functions/software-deployments/create.ts");
    const project = newProject();
    const event = gatewayEvent("POST", deploymentsOf(project), {
      token: await memberToken(project),
      body: minimal(),
    });
    const answer = await handler(
      event as Parameters<typeof handler>[0],
      lambdaContext(ABORT_MARGIN_MS + 200),
    );
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
