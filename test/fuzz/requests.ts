/**
 * Sends mutations of valid requests to every route and counts the answers: `npx node test/fuzz/requests.ts [REQUESTS]
 * [SEED]`. Handlers run in this process, on an emulator. It ends with 1 for a 5xx, an answer that is not JSON in Heat's
 * shape, or one that takes more than a second, and prints the request.
 */
import fc from "fast-check";
import { engines, freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { routes } from "../../infra/serverless/route-table.ts";
import { gatewayEvent, lambdaContext, matching } from "../support/gateway.ts";
import { handlerOf } from "../support/handlers.ts";

const REQUESTS = Number(process.argv[2] ?? 10_000);
const SEED = Number(process.argv[3] ?? Date.now() % 1e9);
const AT_A_TIME = 16;

/** The longest that an answer may take, in ms, others beside it included. */
const SLOW = 1_000;
const PROJECT = "fuzz";

/** The project of large values: in the other one every list would be as long as an answer can be. */
const LARGE_PROJECT = "fuzz-large";

const emulator = await startEmulator({
  engine: engines[0] ?? "dynalite",
  port: await freePort(),
  stage: STAGE,
});
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });
const token = await signToken(PROJECT, ["member"], 12 * 3_600);
const largeToken = await signToken(LARGE_PROJECT, ["member"], 12 * 3_600);

interface Sent {
  method: string;
  target: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
}

const send = async ({ method, target, headers, body }: Sent) => {
  const event = gatewayEvent(method, target, { headers, body });
  const [path = ""] = target.split("?");
  const handler = await handlerOf(matching(method, path).route);
  return handler(event, lambdaContext());
};

const post = async (path: string, body: object, project = PROJECT): Promise<any> => {
  const headers = { "x-auth-token": project === PROJECT ? token : largeToken };
  const { body: answer = "" } = await send({
    method: "POST",
    target: `/v1/${project}${path}`,
    headers,
    body: JSON.stringify(body),
  });
  return JSON.parse(answer);
};

const config = (await post("/software_configs", { config: "echo", outputs: [{ name: "result" }] }))
  .software_config.id as string;
const created = async (): Promise<string> =>
  (await post("/software_deployments", { config_id: config, server_id: "s" })).software_deployment.id;
const ids = await Promise.all(Array.from({ length: 20 }, created));
const { metadata_url } = await post("/software_deployments/metadata/s/link", {});
const link = new URL(metadata_url).search;

/** The link for the result of a new deployment: one that was used answers all that comes later. */
const newSignal = async (project = PROJECT): Promise<string> => {
  const server = crypto.randomUUID();
  const { id } = (await post("/software_configs", { config: "echo", outputs: [{ name: "result" }] }, project))
    .software_config;
  await post("/software_deployments", { config_id: id, server_id: server }, project);
  const path = `/software_deployments/metadata/${server}/link`;
  const made = new URL((await post(path, {}, project)).metadata_url);
  const request = { method: "GET", target: made.pathname + made.search, headers: {}, body: undefined };
  const { body: document = "" } = await send(request);
  const inputs: { name: string; value: string }[] = JSON.parse(document).deployments[0].inputs;
  return new URL(inputs.find(({ name }) => name === "deploy_signal_id")?.value ?? "").search;
};
const signals = await Promise.all(Array.from({ length: 200 }, () => newSignal()));
const largeSignals = await Promise.all(Array.from({ length: 200 }, () => newSignal(LARGE_PROJECT)));
const largeId = (await post("/software_deployments", { config_id: config, server_id: "s" }, LARGE_PROJECT))
  .software_deployment.id as string;

const VALID: Record<string, object> = {
  config_id: config,
  server_id: "s",
  action: "CREATE",
  input_values: { a: [1, { b: null }], n: 1.5 },
  output_values: { deploy_stdout: "hi" },
  status: "COMPLETE",
  status_reason: "because",
  timeout: 60,
  stack_user_project_id: "other",
  server_ids: ["a", "b"],
  name: "n",
  group: "script",
  config: "#!/bin/sh",
  inputs: [{ name: "i", type: "Number", default: 1 }],
  outputs: [{ name: "o", error_output: true }],
  options: { x: 1 },
  deploy_status_code: 0,
} as never;

const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom("", "\ud800", "__proto__", "constructor", "a".repeat(300), -0, 1e300, [], {}, null, true),
);

const bodies = fc.oneof(
  { weight: 6, arbitrary: fc.subarray(Object.keys(VALID)).map((names) => pick(names)) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.subarray(Object.keys(VALID)), fc.constantFrom(...Object.keys(VALID)), odd)
      .map(([names, name, value]) => ({ ...pick(names), [name]: value })),
  },
  { weight: 1, arbitrary: odd },
  { weight: 1, arbitrary: fc.array(fc.subarray(Object.keys(VALID)).map(pick), { maxLength: 4 }) },
);

/** A text whose numbers a double does not give back, or whose names have an escape. */
const exact = fc
  .tuple(
    bodies.map((body) => JSON.stringify(body) ?? ""),
    fc.constantFrom("-0", "1.0", "1e2", "1e400", "9007199254740993", "0.1e-7"),
    fc.boolean(),
  )
  .map(([text, number, escapes]) => {
    const numbers = text.replace(/(?<=[[:,])-?\d[\d.eE+-]*(?=[,\]}])/g, number);
    return escapes ? numbers.replace(/"e(?=[^"]*":)/g, '"\\u0065') : numbers;
  });

const long = fc
  .tuple(
    fc.constantFrom("1", "0", " ", ".", '"', "\\", "[", "{", '{"a":', "1.", "-0,"),
    fc.integer({ min: 1, max: 20_000 }),
  )
  .map(([text, count]) => text.repeat(count));

const texts = fc.oneof(
  { weight: 10, arbitrary: bodies.map((body) => JSON.stringify(body) ?? "") },
  { weight: 6, arbitrary: exact },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        bodies.map((body) => JSON.stringify(body) ?? ""),
        fc.nat(1_000),
        fc.string({ maxLength: 4 }),
      )
      .map(([text, at, more]) => text.slice(0, at) + more + text.slice(at + 1)),
  },
  { weight: 2, arbitrary: long.map((text) => `{"config_id":"c","server_id":"s","input_values":${text}`) },
  { weight: 1, arbitrary: long },
  { weight: 1, arbitrary: bodies.map((body) => `\ufeff${JSON.stringify(body) ?? ""}`) },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const header = fc.oneof(
  fc.string(),
  fc.constantFrom("*", '"0"', 'W/"0"', "application/xml", "text/plain", ""),
);

const headers = fc.dictionary(
  fc.constantFrom(
    "if-match",
    "if-none-match",
    "if-modified-since",
    "content-type",
    "idempotency-key",
    "user-agent",
    "accept-encoding",
    "prefer",
  ),
  fc.oneof(
    header,
    fc.constantFrom("golangsdk/2.0", "gzip", "handling=strict", "handling=lenient, x"),
    fc.constantFrom(
      ...'utf-8 UTF8 ISO-8859-1 utf-16 "x'.split(" ").map((name) => `text/plain; charset=${name}`),
    ),
  ),
  { noNullPrototype: true, maxKeys: 3 },
);

const tokens = fc.oneof(
  { weight: 12, arbitrary: fc.constant(token) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(token.length), fc.string({ maxLength: 3 }))
      .map(([at, text]) => token.slice(0, at) + text + token.slice(at + 1)),
  },
  { weight: 1, arbitrary: fc.string() },
);

const segment = (name: string) =>
  name === "project_id"
    ? fc.oneof(
        { weight: 12, arbitrary: fc.constant(PROJECT) },
        fc.webPath().map((path) => path.slice(1) || "p"),
      )
    : fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...ids, config, "s") },
        fc.uuid(),
        fc.string({ minLength: 1 }).map((text) => encodeURIComponent(text.toWellFormed())),
      );

const paths = fc.constantFrom(...routes.filter(({ method }) => method !== "*")).chain(({ method, path }) => {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  return fc.tuple(...names.map(segment)).map((values) => ({
    method,
    path: values.reduce<string>((made, value) => made.replace(/\{\w+\}/, () => value), path),
  }));
});

const queries = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  { weight: 3, arbitrary: fc.constant(link) },
  { weight: 2, arbitrary: fc.constantFrom(...signals) },
  fc
    .dictionary(
      fc.constantFrom(
        "limit",
        "marker",
        "status",
        "action",
        "server_id",
        "config_id",
        "sort_dir",
        "capability",
      ),
      fc.oneof(fc.string(), fc.constantFrom("1", "2", "COMPLETE", "desc", "s", ids[0] ?? "", "-1", "1001")),
      { noNullPrototype: true },
    )
    .map((query) => `?${new URLSearchParams(query)}`),
);

const requests = fc
  .record({
    at: paths,
    other: fc.constantFrom("", "", "", "", "PURGE", "OPTIONS"),
    query: queries,
    headers,
    token: tokens,
    body: texts,
  })
  .map(
    ({ at, other, query, headers: more, token: given, body }): Sent => ({
      method: other || at.method,
      target: at.path + query,
      headers: { ...more, "x-auth-token": given },
      body,
    }),
  );

/** Values of up to 4.3 MB in bodies whose size is looked at, or that are taken apart. */
const sizes = fc
  .tuple(
    fc.constantFrom('"l"', '"\\u0001"', "-0", "1.5", '"capability=a.b"', '{"k":1.0}', '"é"'),
    fc.constantFrom(200_000, 1_000_000, 1_048_500, 4_100_000, 4_300_000),
    fc.constantFrom("deploy_stdout", "result", "input_values", "config", "x"),
  )
  .map(([value, bytes, name]) => {
    const count = Math.floor(bytes / (Buffer.byteLength(value) + 1));
    const text = Array(count).fill(value).join();
    return `{"config_id":"c","server_id":"s","${name}":${name === "input_values" ? `{"a":[${text}]}` : `[${text}]`}}`;
  });

const large = fc
  .tuple(
    fc.constantFrom(
      ...largeSignals.map((query) => ({ method: "PUT", target: `/agent/signal${query}` })),
      ...Array(20).fill({ method: "POST", target: `/v1/${LARGE_PROJECT}/software_deployments` }),
      ...Array(20).fill({ method: "POST", target: `/v1/${LARGE_PROJECT}/software_configs` }),
      ...Array(20).fill({ method: "PATCH", target: `/v1/${LARGE_PROJECT}/software_deployments/${largeId}` }),
      ...Array(20).fill({ method: "GET", target: `/v1/${LARGE_PROJECT}/software_deployments/metadata/s` }),
    ),
    sizes,
  )
  .map(([at, body]): Sent => ({ ...at, headers: { "x-auth-token": largeToken }, body }));

function pick(names: string[]): object {
  return Object.fromEntries(names.map((name) => [name, VALID[name]]));
}

const counts: Record<string, number> = {};
let slowest = 0;
let bad = 0;

const tryOne = async (sent: Sent): Promise<void> => {
  const started = performance.now();
  const { statusCode = 0, body = "" } = await send(sent).catch((error) => ({
    statusCode: 599,
    body: String(error),
  }));
  const took = performance.now() - started;
  slowest = Math.max(slowest, took);
  counts[statusCode] = (counts[statusCode] ?? 0) + 1;
  const isFault = statusCode >= 400 && sent.method !== "HEAD";
  const isShaped = !isFault || JSON.parse(body).error?.message !== undefined;
  if (statusCode < 500 && isShaped && took < SLOW) return;
  bad += 1;
  process.stdout.write(
    `${statusCode} in ${took.toFixed(0)} ms: ${JSON.stringify(sent).slice(0, 2_000)}\n${body.slice(0, 500)}\n`,
  );
};

const memory = (): number => Math.round(process.memoryUsage().rss / 1_048_576);

process.stdout.write(`seed ${SEED}, ${REQUESTS} requests, ${memory()} MB\n`);
const BLOCK = 1_000;

/** The large requests after each block, one at a time: beside others, each would take as long as all of them. */
const LARGE = 4;
for (let done = 0; done < REQUESTS; done += BLOCK) {
  const block = fc.sample(requests, { numRuns: Math.min(BLOCK, REQUESTS - done), seed: SEED + done });
  for (let at = 0; at < block.length; at += AT_A_TIME)
    await Promise.all(block.slice(at, at + AT_A_TIME).map(tryOne));
  for (const sent of fc.sample(large, { numRuns: LARGE, seed: SEED + done })) await tryOne(sent);
  if ((done / BLOCK) % 20 === 0) process.stdout.write(`${done + BLOCK} done, ${memory()} MB\n`);
}
process.stdout.write(
  `${JSON.stringify(counts)}, ${memory()} MB, the slowest took ${slowest.toFixed(0)} ms, ${bad} bad\n`,
);
await stopEmulator(emulator);
process.exitCode = bad > 0 ? 1 : 0;
