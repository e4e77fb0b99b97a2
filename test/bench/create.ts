/**
 * Create against the limit: the bundled handler beside a bare PutCommand of the same item, with as many tries and the
 * same timeouts, on the SDK as it comes; beside the same call of the client that the service has made of the SDK; and
 * beside the same call as an unsigned raw HTTP request, which is what the emulator itself can do.
 */
import { Agent, request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { v7 as uuidv7 } from "uuid";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE, TABLE } from "../../infra/local/stage.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";
import { bundled, concurrently, functionHandler, median, print } from "./measure.ts";

const ROUNDS = 7;
const PROJECT = "limit";

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });

const handler = await functionHandler("createSoftwareDeployment");
const { put, getItem, putItem } = createRequire(import.meta.url)(
  await bundled(
    "puts",
    `import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
     import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
     export { getItem, putItem } from "../lib/dynamodb/calls.ts";
     const client = DynamoDBDocumentClient.from(
       new DynamoDBClient({
         maxAttempts: 3,
         retryMode: "standard",
         requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
       }),
       { marshallOptions: { removeUndefinedValues: true } },
     );
     export const put = (input) => client.send(new PutCommand(input));`,
  ),
);

const token = await signToken(PROJECT, ["member"], 3_600);
const target = `/v1/${PROJECT}/software_deployments`;
const body = JSON.stringify({
  config_id: "8da95794-2ad9-4979-8ae5-739ce314c5cd",
  server_id: "ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5",
  action: "CREATE",
  input_values: { foo: "bar" },
});

const newEvent = () => gatewayEvent("POST", target, { token, body });

const create = async (event = newEvent()): Promise<any> => {
  const { statusCode, body: answer } = await handler(event, lambdaContext());
  if (statusCode !== 200) throw new Error(answer);
  return answer;
};

const { id } = JSON.parse(await create()).software_deployment;
const Item = await getItem({ TableName: TABLE, Key: { project_id: PROJECT, id } });

/** The same item under another id, which rises with time as a create's does: the emulator takes others slower. */
const input = () => ({
  TableName: TABLE,
  Item: { ...Item, id: uuidv7() },
  ConditionExpression: "attribute_not_exists(id)",
});

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

const marshalled = (item: Record<string, unknown>): object =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => {
      if (Array.isArray(value)) return [name, { L: value.map((S) => ({ S })) }];
      return [name, typeof value === "number" ? { N: `${value}` } : { S: value }];
    }),
  );

const raw = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const item = input();
    const text = JSON.stringify({ ...item, Item: marshalled(item.Item) });
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      "content-length": Buffer.byteLength(text),
      "x-amz-target": "DynamoDB_20120810.PutItem",
      // The emulator wants to see a signature, and does not look at it.
      authorization:
        "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
      "x-amz-date": "20260101T000000Z",
    };
    const sent = httpRequest(emulator.endpoint, { method: "POST", agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${answer.statusCode}`));
      answer.resume().on("end", resolve);
    });
    sent.on("error", reject).end(text);
  });

/** Each makes what it sends beforehand: an event comes from API Gateway, a body from its caller. */
const contenders: Record<string, (count: number) => (i: number) => Promise<unknown>> = {
  create: (count) => {
    const events = Array.from({ length: count }, newEvent);
    return (i) => create(events[i]);
  },
  bare: () => () => put(input()),
  own: () => () => putItem(input()),
  raw: () => raw,
};

const rate = async (contender: string, count: number, at: number): Promise<number> => {
  const work = contenders[contender]?.(count);
  if (!work) throw new Error(contender);
  const started = performance.now();
  await concurrently(count, at, work);
  return count / ((performance.now() - started) / 1_000);
};

const rows = [];
for (const [at, count] of [
  [1, 200],
  [32, 1_500],
] as const) {
  for (const name of Object.keys(contenders)) await rate(name, count, at);
  const rounds: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const rates: Record<string, number> = {};
    for (const name of Object.keys(contenders)) rates[name] = await rate(name, count, at);
    rounds.push(rates);
  }
  const of = (name: string): number[] => rounds.map((rates) => rates[name] ?? 0);
  const against = (name: string): number =>
    median(rounds.map((rates) => (rates.create ?? 0) / (rates[name] ?? 1)));
  rows.push({
    "at a time": at,
    "create/s": Math.round(median(of("create"))),
    "bare PutCommand/s": Math.round(median(of("bare"))),
    "put by our client/s": Math.round(median(of("own"))),
    "raw HTTP/s": Math.round(median(of("raw"))),
    "create : bare": against("bare"),
    "create : ours": against("own"),
    "create : raw": against("raw"),
  });
}
print("create against the limit", rows);

agent.destroy();
await stopEmulator(emulator);
