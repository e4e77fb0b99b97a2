import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { bundle, sources } from "../../infra/serverless/bundle.ts";
import { routes } from "../../infra/serverless/route-table.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundles-"));
  const built = Object.entries(sources).map(([name, source]) =>
    bundle({ entryPoints: [source], outfile: join(folder, `${name}.cjs`) }),
  );
  await Promise.all(built);
});

afterAll(() => rm(folder, { recursive: true }));

/** The largest answer, in bytes: the page of the API's description. */
const MAX_ANSWER = 6_291_556;

/** Loads a bundle in a process of its own, as Lambda does, and hands it an event. @param more variables besides */
const invoke = async (
  name: string,
  event: unknown,
  more: Record<string, string> = {},
): Promise<{ statusCode: number; body: string; isBase64Encoded?: boolean }> => {
  const { awsRequestId } = lambdaContext();
  const script = `
    const { handler } = require(${JSON.stringify(join(folder, `${name}.cjs`))});
    const context = { awsRequestId: "${awsRequestId}", getRemainingTimeInMillis: () => 10000 };
    handler(${JSON.stringify(event)}, context).then((answer) => console.log(JSON.stringify(answer)));`;
  const env = { ...(await functionEnvironment("http://127.0.0.1:1")), LOG_LEVEL: "SILENT", ...more };
  return JSON.parse(
    (await promisify(execFile)(process.execPath, ["-e", script], { env, maxBuffer: MAX_ANSWER })).stdout,
  );
};

it.each([
  ["showSoftwareDeployment", []],
  ["createSoftwareDeployment", ["CreateRequest", "BatchRequest"]],
  ["updateSoftwareDeployment", ["UpdateRequest"]],
  ["listSoftwareDeployments", ["ListQuery"]],
  ["signalByLink", ["SignalRequest"]],
  ["createSoftwareConfig", ["ConfigRequest"]],
  ["showServerMetadata", []],
  ["showHealth", []],
  ["fallback", []],
])("the bundle of %s holds the request shapes of its own verb, and of no other", async (name, own) => {
  const bundled = await readFile(join(folder, `${name}.cjs`), "utf8");
  const shapes = [
    ...["CreateRequest", "BatchRequest", "UpdateRequest", "PatchRequest", "ListQuery", "SignalRequest"],
    "ConfigRequest",
  ];
  const held = shapes.filter((shape) => new RegExp(`\\b${shape}\\d* ?=`).test(bundled));
  expect(held).toEqual(own);
});

const EXPECTED: Record<string, number> = {
  listVersions: 300,
  showHealth: 200,
  checkHealth: 200,
  showApiDescription: 200,
  showApiPage: 200,
  fallback: 404,
};

/** The first route of each function that has one. */
const firstRoutes = routes.filter(({ name }, at) => routes.findIndex((route) => route.name === name) === at);

it.each(firstRoutes)(
  "the bundle of $name answers without a token: 401 where one is needed",
  async ({ name, method, path }) => {
    const target = path.replaceAll(/\{\w+\}/g, "x") || "/unknown";
    const { statusCode, body, isBase64Encoded } = await invoke(name, gatewayEvent(method, target, {}));
    expect(statusCode).toBe(EXPECTED[name] ?? 401);
    if (isBase64Encoded) expect(Buffer.from(body, "base64").length).toBeGreaterThan(50_000);
    else expect(() => JSON.parse(body)).not.toThrow();
  },
);

/** The functions that no route leads to: streams, queues and schedules start them. */
const withoutRoute = Object.keys(sources).filter((name) => !firstRoutes.some((route) => route.name === name));

it.each(withoutRoute)("the bundle of %s exports its handler", async (name) => {
  const script = `console.log(typeof require(${JSON.stringify(join(folder, `${name}.cjs`))}).handler)`;
  const env = await functionEnvironment("http://127.0.0.1:1");
  expect((await promisify(execFile)(process.execPath, ["-e", script], { env })).stdout).toBe("function\n");
});

it("a bundled function with a wrong setting loads, and answers 503", async () => {
  const event = gatewayEvent("GET", "/health", {});
  expect((await invoke("showHealth", event, { MEMBER_ROLES: "" })).statusCode).toBe(503);
});
