import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type OutgoingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines, freePort } from "../../infra/local/emulator.ts";
import { ownOrigins } from "../../infra/local/options.ts";
import { type Service, startService, stopService } from "../../infra/local/service.ts";
import { STAGE, TABLE } from "../../infra/local/stage.ts";
import { openStorage, type Storage } from "../../infra/local/storage.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";

const EVIL = "https://evil.example";

const PREFLIGHT = {
  "access-control-request-method": "POST",
  "access-control-request-headers": "x-amz-target,authorization",
};

interface Answer {
  status: number | undefined;
  headers: OutgoingHttpHeaders;
  body: string;
}

/** Sends a request with any headers: `fetch` allows neither `Origin` nor `Host`. */
const send = async (
  address: string,
  headers: OutgoingHttpHeaders,
  { method = "POST", body = "" } = {},
): Promise<Answer> => {
  const sent = request(address, { method, headers });
  sent.end(body);
  const [response] = await once(sent, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
};

/** A request to the emulator as the AWS CLI sends it; any signature is taken. */
const listTables = (endpoint: string, headers: OutgoingHttpHeaders = {}, method = "POST") =>
  send(
    endpoint,
    {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "DynamoDB_20120810.ListTables",
      "x-amz-date": "20261124T115943Z",
      authorization:
        "AWS4-HMAC-SHA256 Credential=x/20261124/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
      ...headers,
    },
    { method, body: "{}" },
  );

const expectRefused = ({ status, headers, body }: Answer): void => {
  expect(status).toBe(403);
  expect(JSON.parse(body).message).toMatch(/Web pages are refused here\.$/);
  expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
};

/** Expects that an emulator answers programs and the service's own origin, and nobody else. */
const expectGuarded = async (endpoint: string, ownPort: string | number): Promise<void> => {
  expectRefused(await listTables(endpoint, { origin: EVIL }));
  expectRefused(await listTables(endpoint, { origin: "null" }));
  expectRefused(await listTables(endpoint, { host: "evil.example" }));
  expectRefused(await listTables(endpoint, { origin: EVIL, ...PREFLIGHT }, "OPTIONS"));
  expectRefused(await listTables(endpoint, PREFLIGHT, "OPTIONS"));
  for (const headers of [{}, { origin: `http://localhost:${ownPort}` }]) {
    const { status, body } = await listTables(endpoint, headers);
    expect(status).toBe(200);
    expect(JSON.parse(body).TableNames).toContain(TABLE);
  }
};

describe.each(engines)("the emulator of the local service: %s", (engine) => {
  let storage: Storage;

  beforeAll(async () => {
    storage = await openStorage(
      { port: await freePort(), dataFolder: undefined, engine },
      STAGE,
      ownOrigins(3_000),
    );
  });

  afterAll(() => storage.close());

  it("the emulator answers programs, and refuses web pages", async () => {
    await expectGuarded(storage.endpoint, 3_000);
    const client = new DynamoDBClient({
      endpoint: storage.endpoint,
      region: REGION,
      credentials: CREDENTIALS,
    });
    expect((await client.send(new ListTablesCommand())).TableNames).toContain(TABLE);
  });
});

describe("npm start", () => {
  let service: Service;
  let ownPort: string;
  let functions: string;

  beforeAll(async () => {
    const lambdaPort = String(await freePort());
    functions = `http://localhost:${lambdaPort}/2015-03-31/functions/software-deployments-dev-showHealth/invocations`;
    service = await startService({}, ["npm", "start", "--", "--lambdaPort", lambdaPort]);
    ownPort = new URL(service.url).port;
  });

  afterAll(() => stopService(service));

  it("npm start announces an emulator that refuses web pages", () =>
    expectGuarded(service.dynamodb, ownPort));

  it.runIf(engines.includes("dynoxide"))(
    "dynoxide, which answers every web page, listens where none can guess",
    () => {
      const processes = execFileSync("ps", ["-A", "-o", "pgid=,args="], { encoding: "utf8" }).split("\n");
      const group = processes.filter((line) => line.trim().startsWith(`${service.process.pid} `));
      const hosts = group.flatMap((line) => /dynoxide --host (\S+)/.exec(line)?.[1] ?? []);
      expect(hosts).toHaveLength(1);
      expect(hosts[0]).toMatch(/^127\./);
      expect(hosts[0]).not.toBe("127.0.0.1");
      expect(service.output()).not.toContain(hosts[0]);
    },
  );

  it("the simulator's port for invocations refuses web pages", async () => {
    expectRefused(await send(functions, { origin: EVIL }));
    expectRefused(await send(functions, { host: "evil.example" }));
    expectRefused(await send(functions, { origin: EVIL, ...PREFLIGHT }, { method: "OPTIONS" }));
    for (const headers of [{}, { origin: service.url }])
      expect((await send(functions, headers)).status).toBe(200);
  });

  it("the service's own port answers web pages as it does when deployed", async () => {
    const health = `${service.url}/health`;
    expect((await send(health, { origin: EVIL }, { method: "GET" })).status).toBe(200);
    const { status, headers } = await send(health, { origin: EVIL, ...PREFLIGHT }, { method: "OPTIONS" });
    expect(status).toBe(204);
    expect(headers.allow).toBe("GET,HEAD");
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  });
});
