import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { type Route, routes } from "../../infra/serverless/route-table.ts";
import { metricsOf } from "../support/embedded-metrics.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";
import { type Handler, handlerOf } from "../support/handlers.ts";
import { recordLog } from "../support/log-lines.ts";

const CANARY = "canary-5f2b";

/** Values that each setting must not have; the empty text is the same as none. */
const BROKEN: Record<string, string[]> = {
  SOFTWARE_DEPLOYMENTS_TABLE: [""],
  SOFTWARE_CONFIGS_TABLE: [""],
  CONFIG_REFERENCES: [CANARY],
  PUBLIC_URL: [CANARY],
  LOG_LEVEL: [CANARY],
  LINK_KEYS: ["", CANARY],
  LINK_DAYS: ["", CANARY],
  DEPLOYMENT_TIMEOUT: [CANARY],
  RETENTION_DAYS: [CANARY],
  TOKEN_ISSUER: [""],
  TOKEN_AUDIENCE: [""],
  TOKEN_KEYS: [CANARY, `{"keys": ${CANARY}`, `{"keys": "${CANARY}"}`],
  TOKEN_PROJECT_CLAIM: [""],
  TOKEN_ROLES_CLAIM: [""],
  KEYSTONE_AUTH_URL: [CANARY],
  READER_ROLES: [""],
  MEMBER_ROLES: [""],
  ROUTES: [""],
};

/** Settings that may have any value, or none. */
const ANY = ["METRICS_NAMESPACE"];

const log = recordLog();

type Answer = Awaited<ReturnType<Handler>>;

/** The first route of each function. */
const functions = routes.filter((route) => routes.find(({ name }) => name === route.name) === route);

/** Starts a container of a function. */
const started = async (route: Route) => {
  vi.resetModules();
  const handler = await handlerOf(route);
  const event = () => gatewayEvent(route.method === "*" ? "GET" : route.method, route.path || "/unknown", {});
  return () => handler(event(), lambdaContext(undefined, route.name));
};

/** Expects the fault of a container that was not started rightly. */
const expectRefused = ({ statusCode, headers, body }: Answer, setting: string): void => {
  expect([setting, statusCode, headers?.["retry-after"]]).toEqual([setting, 503, "2"]);
  const { code, title, error } = JSON.parse(body ?? "");
  expect([code, title, error.type]).toEqual([503, "Service Unavailable", "ServiceUnavailable"]);
  expect(error.message).toBe("The service is not set up rightly.");
};

/** The settings that are read while something is done. */
const readBy = async (work: () => Promise<unknown>): Promise<string[]> => {
  const read = new Set<unknown>();
  const environment = process.env;
  process.env = new Proxy(environment, {
    get: (variables, name) => {
      read.add(name);
      return Reflect.get(variables, name);
    },
  });
  await work().finally(() => {
    process.env = environment;
  });
  return Object.keys(BROKEN).filter((name) => read.has(name));
};

describe("function with a wrong setting", () => {
  it("every setting is read while a function starts, and not later", async () => {
    const { provider } = parse(readFileSync("serverless.yml", "utf8"));
    const given = [...Object.keys(provider.environment), "ROUTES"];
    expect([...Object.keys(BROKEN), ...ANY].sort()).toEqual(given.sort());
    const known = new Set<string>();
    for (const route of functions) {
      for (const name of await readBy(() => started(route))) known.add(name);
      const request = await started(route);
      expect(await readBy(request), route.name).toEqual([]);
    }
    expect([...known].sort()).toEqual(Object.keys(BROKEN).sort());
  });

  it.each(functions)(
    "$name with a wrong setting answers 503, and one log line says which and why",
    async (route) => {
      const settings = await readBy(() => started(route));
      expect(settings.length).toBeGreaterThanOrEqual(8);
      for (const [setting, value] of settings.flatMap((one) =>
        (BROKEN[one] ?? []).map((wrong) => [one, wrong] as const),
      )) {
        vi.unstubAllEnvs();
        vi.stubEnv("LOG_LEVEL", "INFO");
        vi.stubEnv(setting, value);
        log.clear();
        const request = await started(route);
        expectRefused(await request(), setting);
        expectRefused(await request(), setting);
        const [line, ...others] = log.lines();
        expect(line).toEqual({
          level: "ERROR",
          timestamp: expect.any(String),
          message: "start",
          setting,
          reason: expect.stringMatching(/^is n/),
        });
        expect(others.map(({ message }) => message)).toEqual(["request", "fault", "request", "fault"]);
        expect(metricsOf(others[1] ?? {}).map(({ name }) => name)).toEqual(["ServerErrors", "StartsFailed"]);
        expect(log.text()).not.toContain(CANARY);
      }
    },
  );
});
