/**
 * The service beside what one would write by hand: each function as it is deployed, and the document client in its
 * default configuration, which makes the same DynamoDB calls one after the other and turns what they return into JSON.
 *
 * The same calls stay the same when `lib/` changes, as they are not written down here: a request is made once while the
 * service's client is observed, and the bare client repeats what it sent. Both take turns in one process, so that the
 * ratio of a round holds on a machine that others use too.
 *
 * `ROUNDS` is how many rounds there are, `REQUESTS` how many requests of each kind a round has (else as many as take
 * about half a second).
 */
import { createRequire } from "node:module";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { v7 as uuidv7 } from "uuid";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { sources } from "../../infra/serverless/bundle.ts";
import { gatewayEvent, lambdaContext } from "../support/gateway.ts";
import type { Handler } from "../support/handlers.ts";
import { bundled, concurrently, functionHandler, median, print, type Row } from "./measure.ts";
import { BODY, measuredServer, PROJECT } from "./workloads.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const AT_A_TIME = 32;

const COMMANDS = [
  ...["GetCommand", "BatchGetCommand", "QueryCommand"],
  ...["PutCommand", "UpdateCommand", "DeleteCommand", "TransactWriteCommand"],
];

/** A bundle that has a document client, and the commands that it takes. */
type ClientBundle = { client: DynamoDBDocumentClient } & Record<string, any>;

/** A request that is measured. */
interface Request {
  name: string;
  /** The function it goes to. */
  to: string;
  /** How many a round has. */
  count: number;
  /** The least that its ratio should be. */
  bar?: number;
  /** Ids of deployments, for a request that makes or uses up one: another id for each. */
  fresh?: (count: number) => string[] | Promise<string[]>;
  event: (id: string | undefined) => APIGatewayProxyEventV2;
  /** Whether its answer is complete. */
  isRight: (answer: any) => boolean;
}

/** A call that the service's client made. */
interface Call {
  command: string;
  input: object;
  /** How many items it returned. */
  items: number;
}

/** Makes what it takes for so many requests, which is not measured. @returns what makes one of them */
type Contender = (count: number) => Promise<(i: number) => Promise<unknown>>;

const emulator = await startEmulator({ engine: "dynoxide", port: await freePort(), stage: STAGE });
Object.assign(process.env, await functionEnvironment(emulator.endpoint), { LOG_LEVEL: "SILENT" });

const token = await signToken(PROJECT, ["member"], 3_600);
const { path, config_id, deploy } = await measuredServer(token);
const shown = await deploy();

/** Deployments of a configuration that is there: another would be looked for at each signal. */
const deployed = async (count: number): Promise<string[]> => {
  const ids: string[] = [];
  await concurrently(count, AT_A_TIME, async () => ids.push(await deploy({ ...BODY, config_id })));
  return ids;
};

const get = (target: string) => () => gatewayEvent("GET", target, { token });
const post = (target: string, body: object) => gatewayEvent("POST", target, { token, body });

const requests: Request[] = [
  {
    name: "create",
    to: "createSoftwareDeployment",
    count: 700,
    fresh: (count) => Array.from({ length: count }, () => uuidv7()),
    event: () => post(path, BODY),
    isRight: ({ software_deployment }) => software_deployment.server_id === BODY.server_id,
  },
  {
    name: "show",
    to: "showSoftwareDeployment",
    count: 700,
    event: get(`${path}/${shown}`),
    isRight: ({ software_deployment }) => software_deployment.id === shown,
  },
  {
    name: "list of 20",
    to: "listSoftwareDeployments",
    count: 350,
    bar: 0.85,
    event: get(`${path}?limit=20`),
    isRight: ({ software_deployments }) => software_deployments.length === 20,
  },
  {
    name: "list of 20 by server",
    to: "listSoftwareDeployments",
    count: 250,
    bar: 0.85,
    event: get(`${path}?server_id=measured&limit=20`),
    isRight: ({ software_deployments }) => software_deployments.length === 20,
  },
  {
    name: "metadata with 3 deployments",
    to: "showServerMetadata",
    count: 500,
    bar: 0.8,
    event: get(`${path}/metadata/few`),
    isRight: ({ metadata }) => metadata.length === 3,
  },
  {
    name: "metadata with 50 deployments",
    to: "showServerMetadata",
    count: 120,
    bar: 0.8,
    event: get(`${path}/metadata/measured`),
    isRight: ({ metadata }) => metadata.length === 50,
  },
  {
    name: "signal",
    to: "signalSoftwareDeployment",
    count: 250,
    fresh: deployed,
    event: (id) => post(`${path}/${id}/signal`, { deploy_status_code: 0 }),
    isRight: () => true,
  },
];

const load = createRequire(import.meta.url);
const commands = `export { ${COMMANDS.join(", ")} } from "@aws-sdk/lib-dynamodb";`;

/** All functions around one client that can be observed. It records only: what is measured is what is deployed. */
const observed: ClientBundle = load(
  await bundled(
    "observed",
    `${commands}
     export { client } from "../lib/dynamodb/client.ts";
     ${[...new Set(requests.map(({ to }) => to))]
       .map((name) => `export { handler as ${name} } from "../${sources[name]}";`)
       .join("\n")}`,
  ),
);

/** The bare client, one for each function, as each function has one, and bundled as they are. */
const bareClient = async (to: string): Promise<ClientBundle> =>
  load(
    await bundled(
      `bare-${to}`,
      `import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
       import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
       ${commands}
       export const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));`,
    ),
  );

/** A request of the service. @returns the answer @throws Error for another status than 200 */
const ask = async (handler: Handler, event: APIGatewayProxyEventV2): Promise<string> => {
  const { statusCode, body = "" } = await handler(event, lambdaContext());
  if (statusCode !== 200) throw new Error(`${event.routeKey}: ${statusCode} ${body}`);
  return body;
};

const checked = ({ name, isRight }: Request, text: string): any => {
  const answer = JSON.parse(text);
  if (!isRight(answer)) throw new Error(`${name}: ${text}`);
  return answer;
};

const itemsIn = ({ Item, Attributes, Items, Responses }: Record<string, any>): number =>
  [Item, Attributes, Items, ...Object.values(Responses ?? {})].flat().filter((item) => item !== undefined)
    .length;

/**
 * The calls that a request of the service makes, and the id of the deployment that it made or used up. It is the second
 * such request: the first remembers configurations.
 */
const recorded = async (request: Request): Promise<{ calls: Call[]; id: string | undefined }> => {
  const { client, [request.to]: handler } = observed;
  const [first, second] = (await request.fresh?.(2)) ?? [];
  await ask(handler, request.event(first));
  const calls: Call[] = [];
  const { send } = client;
  client.send = async (command: any, ...options: any[]) => {
    const name = COMMANDS.find((one) => command instanceof observed[one]);
    if (!name) throw new Error(`${request.name}: a call that is none of ${COMMANDS}`);
    const input = structuredClone(command.input);
    const output = await (send as any).call(client, command, ...options);
    calls.push({ command: name, input, items: itemsIn(output) });
    return output;
  };
  const answer = checked(request, await ask(handler, request.event(second)));
  client.send = send;
  if (calls.length === 0) throw new Error(`${request.name}: no call was recorded`);
  return { calls, id: answer.software_deployment?.id ?? second };
};

/** An input with other texts, and without what is undefined, which the bare client refuses. */
const adapted = (value: unknown, rename: (text: string) => string): any => {
  if (typeof value === "string") return rename(value);
  if (Array.isArray(value)) return value.map((one) => adapted(one, rename));
  if (value?.constructor !== Object) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, adapted(one, rename)]),
  );
};

/** The functions of `serverless.yml`. An event comes from API Gateway, so they are made beforehand. */
const ours = async (request: Request): Promise<Contender> => {
  const handler = await functionHandler(request.to);
  const [id] = (await request.fresh?.(1)) ?? [];
  checked(request, await ask(handler, request.event(id)));
  return async (count) => {
    const ids = (await request.fresh?.(count)) ?? [];
    const events = Array.from({ length: count }, (_, i) => request.event(ids[i]));
    return (i) => ask(handler, events[i] as APIGatewayProxyEventV2);
  };
};

/**
 * The bare client with the recorded calls, in which the id is replaced wherever another deployment is needed. Conditions
 * stay as they are: a create's holds for every new id, a signal's for every deployment that was made in the same way.
 * @throws Error when they return less or more than they did
 */
const bare = async (request: Request, calls: Call[], id: string | undefined): Promise<Contender> => {
  const bundle = await bareClient(request.to);
  const classes = calls.map(({ command }) => bundle[command]);
  const inputsFor = (fresh: string | undefined): any[] =>
    calls.map(({ input }) => adapted(input, (text) => (id && fresh ? text.replaceAll(id, fresh) : text)));
  const [one] = (await request.fresh?.(1)) ?? [];
  for (const [at, input] of inputsFor(one).entries()) {
    const output = await bundle.client.send(new classes[at](input));
    if (itemsIn(output) !== calls[at]?.items) throw new Error(`${request.name}: ${JSON.stringify(output)}`);
  }
  return async (count) => {
    const ids = (await request.fresh?.(count)) ?? [];
    const inputs = Array.from({ length: count }, (_, i) => inputsFor(ids[i]));
    return async (i) => {
      const texts: string[] = [];
      for (const [at, input] of inputs[i]?.entries() ?? []) {
        const { $metadata: _, ...output } = await bundle.client.send(new classes[at](input));
        texts.push(JSON.stringify(output));
      }
      return texts;
    };
  };
};

const rate = async (contender: Contender, count: number): Promise<number> => {
  const work = await contender(count);
  const started = performance.now();
  await concurrently(count, AT_A_TIME, work);
  return count / ((performance.now() - started) / 1_000);
};

const rows: Row[] = [];
for (const request of requests) {
  const { calls, id } = await recorded(request);
  const contenders = { ours: await ours(request), bare: await bare(request, calls, id) };
  const rates: { ours: number; bare: number }[] = [];
  const count = Number(process.env.REQUESTS ?? request.count);
  // One round more than counts, to warm up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const figures = { ours: 0, bare: 0 };
    for (const name of round % 2 === 0 ? (["ours", "bare"] as const) : (["bare", "ours"] as const))
      figures[name] = await rate(contenders[name], count);
    if (round > 0) rates.push(figures);
  }
  const ratios = rates.map((figures) => figures.ours / figures.bare);
  rows.push({
    request: request.name,
    calls: calls.map(({ command }) => command.replace("Command", "")).join(", "),
    "ours/s": Math.round(median(rates.map((figures) => figures.ours))),
    "bare client/s": Math.round(median(rates.map((figures) => figures.bare))),
    "ours : bare": median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    bar: request.bar ?? "",
  });
}
print(`the service beside the bare client, ${AT_A_TIME} at a time`, rows);

await stopEmulator(emulator);
