/**
 * Runs the API's tests over HTTP against what is deployed: `npm run test:lambda [-- OPTIONS OF VITEST]`. Every packaged zip
 * runs under Lambda's runtime client, behind an API Gateway made of the template's routes, and calls DynamoDB and Secrets
 * Manager with the permissions of its role alone. It fails where a test does, where a function does not start or gives no
 * answer, and where a call was refused; of the whole run also where a function had no request, and where a permission was
 * not needed. The processor is this machine's, and not the one of the template.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import {
  endWithThisProcess,
  engines,
  freePort,
  startEmulator,
  stopEmulator,
} from "../../infra/local/emulator.ts";
import { AUDIENCE, ISSUER, publicKeySet } from "../../infra/local/signing-key.ts";
import { STAGE, tableNames } from "../../infra/local/stage.ts";
import { httpApi } from "../support/http-api.ts";
import { loopback } from "../support/loopback.ts";
import { packaged } from "../support/packaged.ts";
import { secretsManager } from "../support/secrets-manager.ts";
import { runtimeClient } from "./client.ts";
import { type RunningFunction, runFunction } from "./function.ts";
import { guardServices, tableArn } from "./permissions.ts";
import { stackOf } from "./stack.ts";

/** The most that is printed of a line of a function's log, in characters. */
const MAX_LINE = 400;

const client = runtimeClient("the functions under Lambda's runtime client");
const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), "lambda-"));
process.once("exit", () => rmSync(folder, { recursive: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const [zips, code, logs] = ["zips", "code", "logs"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
for (const one of [zips, code, logs]) mkdirSync(one);

const issuer = await loopback(async (_, response) => {
  response.end(JSON.stringify(await publicKeySet()));
});
const resources = await packaged(
  zips,
  STAGE,
  `tokenIssuer=${ISSUER}`,
  `tokenAudience=${AUDIENCE}`,
  `tokenKeys=${issuer.url}`,
);
const secrets = await secretsManager("k".repeat(64));
const emulator = await startEmulator({
  engine: engines[0] ?? "dynalite",
  port: await freePort(),
  stage: STAGE,
});
const tables = Object.entries(tableNames(STAGE)).map(([id, ref]) => [id, { ref, arn: tableArn(ref) }]);
const stack = stackOf(resources, {
  ...Object.fromEntries(tables),
  LinkKeys: { ref: secrets.arn, arn: secrets.arn },
});
const services = await guardServices(stack.functions, {
  DynamoDB_20120810: emulator.endpoint,
  secretsmanager: secrets.url,
});

const surroundings = { client, code, logs, services: services.url };
const functions = new Map(stack.functions.map((one) => [one.name, runFunction(one, surroundings)]));
for (const { name, warm } of functions.values()) {
  execFileSync("unzip", ["-q", join(zips, `${name}.zip`), "-d", join(code, name)]);
  // What does not start is told at the end, and by its callers before.
  await warm().catch(() => undefined);
}
const gateway = await loopback(
  httpApi(stack.routes, async ({ name }, event) => {
    const answer = await functions.get(name)?.invoke(event);
    return answer as APIGatewayProxyStructuredResultV2;
  }),
);

const options = process.argv.slice(2);
const args = ["run", "--config", "test/vitest.config.ts", "--project", "api over HTTP"];
const tests = spawn("node_modules/.bin/vitest", [...args, ...options], {
  stdio: "inherit",
  env: {
    ...process.env,
    LONG_TESTS: "1",
    API_URL: gateway.url,
    AWS_ENDPOINT_URL_DYNAMODB: emulator.endpoint,
  },
});
endWithThisProcess(tests);
const [status] = await once(tests, "exit");

const all = [...functions.values()];
const sum = (figure: (one: RunningFunction) => number): number =>
  all.reduce((total, one) => total + figure(one), 0);
const errors = all.flatMap(({ name }) => {
  const lines = readFileSync(join(logs, name), "utf8").match(/.*"level":"ERROR".*/g) ?? [];
  return lines.map((line) => ({ name, line }));
});
for (const { name } of all) {
  const first = errors.find((error) => error.name === name);
  if (first) process.stdout.write(`logged by ${name}, first of all: ${first.line.slice(0, MAX_LINE)}\n`);
}
const isWhole = options.length === 0;
/** The functions that a request may reach; streams, queues and schedules start nothing here. */
const routed = new Set(stack.routes.map(({ name }) => name));
const faults = {
  "was refused": services.refused(),
  "gave no answer": all.flatMap(({ name, failures }) =>
    [...failures].map(([words, times]) => `${name}: ${words}, ${times} times`),
  ),
  "is allowed and was not needed": isWhole ? services.unused(routed) : [],
  "had no request": isWhole
    ? all.filter(({ name, events }) => routed.has(name) && events === 0).map(({ name }) => name)
    : [],
};
for (const [what, lines] of Object.entries(faults))
  for (const line of lines) process.stdout.write(`${what}: ${line}\n`);
const seconds = Math.round((performance.now() - started) / 1_000);
process.stdout.write(
  `${all.length} functions in ${sum(({ containers }) => containers)} containers, ${sum(({ events }) => events)} requests, ` +
    `${services.calls} calls to DynamoDB and Secrets Manager; ${services.refused().length} refused, ` +
    `${services.unused(routed).length} permissions not needed; ${errors.length} errors logged; ${seconds} s\n`,
);

for (const { stop } of all) stop();
await stopEmulator(emulator);
process.exit(status !== 0 || Object.values(faults).flat().length > 0 ? 1 : 0);
