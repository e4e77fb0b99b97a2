import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines, freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { eventually, type Service, startService, stopService } from "../../infra/local/service.ts";
import { STAGE, TABLE } from "../../infra/local/stage.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import { deploymentsOf, minimal, newProject, SEED_PROJECT, SEED_REQUEST } from "../support/deployments.ts";
import { loopback } from "../support/loopback.ts";

const run = promisify(execFile);

const npmToken = async (...args: string[]): Promise<string> =>
  (await run("npm", ["run", "-s", "token", "--", ...args], { env: { PATH: process.env.PATH ?? "" } })).stdout;

const create = (service: Service, project: string, token: string) =>
  fetch(`${service.url}${deploymentsOf(project)}`, {
    method: "POST",
    headers: { "x-auth-token": token },
    body: JSON.stringify(minimal()),
  });

const stored = async (service: Service, id: string, project = SEED_PROJECT) => {
  const client = new DynamoDBClient({ endpoint: service.dynamodb, region: REGION, credentials: CREDENTIALS });
  const get = new GetCommand({ TableName: TABLE, Key: { project_id: project, id } });
  return (await DynamoDBDocumentClient.from(client).send(get)).Item;
};

const listens = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(address);
    const socket = connect(Number(port), hostname);
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

const pidOf = (isMeant: (line: string) => boolean): number => {
  const processes = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return Number.parseInt(processes.find(isMeant) ?? "", 10);
};

const emulatorPid = (service: Service): number =>
  pidOf((line) => line.includes(`--port ${new URL(service.dynamodb).port}`));

/** The process that npm has started: the framework, which takes npm's shell's place. */
const frameworkPid = ({ process: npm }: Service): number =>
  pidOf((line) => line.includes("sls offline") && line.split(/\s+/).includes(String(npm.pid)));

const nothingIsLeft = (service: Service): Promise<true> =>
  eventually("the ports are free", async () => {
    const up = await Promise.all([listens(service.url), listens(service.dynamodb)]);
    return up.includes(true) ? undefined : true;
  });

describe("npm start", () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({}, ["npm", "start"]);
  });

  afterAll(() => stopService(service));

  it("npm start prints at most a dozen lines, npm's own included", () => {
    expect(service.output().trimEnd().split("\n").length).toBeLessThanOrEqual(12);
  });

  it("npm start prints a curl command that works; the item is then in the table", async () => {
    const line = /^curl .*$/m.exec(service.output())?.[0] ?? "";
    const { stdout } = await run("sh", ["-c", line]);
    expect(stdout).toMatch(/^HTTP\/1.1 200/);
    const { software_deployment } = JSON.parse(stdout.slice(stdout.indexOf("\r\n\r\n")));
    expect(Object.keys(software_deployment)).toEqual([
      ...["status", "server_id", "config_id", "output_values", "input_values", "action", "status_reason"],
      ...["id", "creation_time"],
    ]);
    const { server_id, stack_user_project_id, ...rest } = SEED_REQUEST;
    expect(await stored(service, software_deployment.id)).toMatchObject({
      ...rest,
      server_key: `${SEED_PROJECT}#${server_id}`,
      details: { stack_user_project_id },
    });
  });

  it("npm start prints a token for the example project", async () => {
    const token = /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect((await create(service, SEED_PROJECT, token)).status).toBe(200);
    expect((await create(service, newProject(), token)).status).toBe(401);
  });

  it("npm run -s token prints one token, which the local service accepts", async () => {
    const project = newProject();
    const member = await npmToken("--project", project);
    expect(member).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect((await create(service, project, member.trim())).status).toBe(200);
    const reader = await npmToken("--project", project, "--roles", "reader");
    expect((await create(service, project, reader.trim())).status).toBe(401);
  });

  it.each([
    ["--project: 1 to 64 of", ["--project", "a b"]],
    ["--project: 1 to 64 of", []],
    ["--expires-in: a whole number", ["--project", "p", "--expires-in", "0"]],
    ["--expires-in: a whole number", ["--project", "p", "--expires-in", "1e3"]],
  ])("npm run -s token refuses wrong options: %s", async (sentence, args) => {
    await expect(npmToken(...args)).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(sentence),
    });
  });

  it("the local service answers as deployed: no CORS headers, and a slash at the end is another path", async () => {
    const headers = { origin: "https://elsewhere.example", "access-control-request-method": "POST" };
    for (const method of ["GET", "OPTIONS"]) {
      const response = await fetch(`${service.url}/v1`, { method, headers });
      expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
    const statuses = ["/health", "/health/", "/health/?a=b"].map(
      async (path) => (await fetch(`${service.url}${path}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 404, 404]);
  });

  it("sls package beside a local service does not disturb it, and leaves no folders behind", async () => {
    const folder = await mkdtemp(join(tmpdir(), "package-"));
    const temporary = await mkdtemp(join(folder, "temporary-"));
    const env = { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: temporary };
    await run("node_modules/.bin/sls", ["package", "--package", join(folder, "package")], { env });
    expect(await readdir(temporary)).toEqual([]);
    const project = newProject();
    const token = (await npmToken("--project", project)).trim();
    expect((await create(service, project, token)).status).toBe(200);
    await rm(folder, { recursive: true });
  });

  it("the local service answers 503 while its emulator is down, and 200 when it is back", async () => {
    const project = newProject();
    const token = (await npmToken("--project", project)).trim();
    process.kill(emulatorPid(service), "SIGKILL");
    const down = await create(service, project, token);
    expect(down.status).toBe(503);
    expect(await down.json()).toMatchObject({ code: 503, error: { type: "ServiceUnavailable" } });
    await eventually("200 again", async () => (await create(service, project, token)).ok || undefined);
  });

  it("the local service logs no token", () => {
    const logged = service.output().slice(service.output().indexOf("\ncurl "));
    const token = /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect(logged.split("\n").slice(2).join("\n")).not.toContain(token.split(".")[2]);
  });

  it("Ctrl-C ends npm start and everything that it started", async () => {
    await stopService(service);
    await nothingIsLeft(service);
  });
});

describe("npm start, ended by other signals", () => {
  it.each([
    ["npm", "SIGTERM"],
    ["npm", "SIGINT"],
    ["npm", "SIGKILL"],
    ["the framework", "SIGTERM"],
    ["the framework", "SIGKILL"],
  ] as const)("nothing stays running when a signal ends npm start: %s by %s", async (who, signal) => {
    const service = await startService({}, ["npm", "start"]);
    process.kill(who === "npm" ? (service.process.pid ?? 0) : frameworkPid(service), signal);
    await nothingIsLeft(service);
  });
});

const keystone = (url: string): string[] => ["--param", `keystoneAuthUrl=${url}`];

describe("wrong options of sls", () => {
  const ended = (env: Record<string, string>, ...args: string[]) =>
    run("node_modules/.bin/sls", args, { env: { ...process.env, SLS_LOG_LEVEL: "warning", ...env } });

  it.each<[string, Record<string, string>, string[]]>([
    ["PORT=abc: a port is", { PORT: "abc" }, []],
    ["PORT=80000: a port is", { PORT: "80000" }, []],
    ["PORT=0: a port is", { PORT: "0" }, []],
    ["--httpPort=0: a port is", {}, ["--httpPort", "0"]],
    ["DYNAMODB_PORT=x: a port is", { DYNAMODB_PORT: "x" }, []],
    ["DYNAMODB_DATA=/dev/null/data: not a folder", { DYNAMODB_DATA: "/dev/null/data" }, []],
    [
      "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:9: Nothing answers",
      { AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:9" },
      [],
    ],
    ["--param tokenIsuer: there is no such parameter", {}, ["--param", "tokenIsuer=x"]],
    ["keystoneAuthUrl=iam.example.com/v3: Keystone's address", {}, keystone("iam.example.com/v3")],
    ["keystoneAuthUrl=https://iam.example.com: ", {}, keystone("https://iam.example.com")],
    ["keystoneAuthUrl=https://iam/v3/auth/tokens: ", {}, keystone("https://iam/v3/auth/tokens")],
  ])("a wrong option ends sls offline with one sentence and exit code 1: %s", async (sentence, env, args) => {
    const port = String(await freePort());
    const failure = ended({ PORT: port, ...env }, "offline", ...args);
    await expect(failure).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) });
    await expect(failure).rejects.toMatchObject({ stderr: expect.stringMatching(/^[^\n]+\n$/) });
  });

  it("a port that is taken, each of the two, ends sls offline with one sentence", async () => {
    const other = await loopback((_, response) => void response.end());
    const { port } = new URL(other.url);
    for (const name of ["PORT", "DYNAMODB_PORT"]) {
      const env = { PORT: String(await freePort()), [name]: port };
      await expect(ended(env, "offline")).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`${name}=${port}: another program listens there.`),
      });
    }
    await other.close();
  });

  it("a broken data file ends sls offline with the emulator's own words", async () => {
    const folder = await mkdtemp(join(tmpdir(), "data-"));
    await writeFile(join(folder, "dynoxide.sqlite"), "not a database");
    await writeFile(join(folder, "dynalite"), "not a folder");
    const env = { PORT: String(await freePort()), DYNAMODB_DATA: folder };
    await expect(ended(env, "offline")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^DYNAMODB_DATA=.*The DynamoDB emulator does not start\. .{10}/),
    });
    await rm(folder, { recursive: true });
  });

  it("a kept table of an earlier version ends sls offline with how to begin anew", async () => {
    const folder = await mkdtemp(join(tmpdir(), "data-"));
    const port = await freePort();
    const options = { engine: engines[0] ?? "dynalite", port, stage: STAGE, dataFolder: folder } as const;
    const emulator = await startEmulator(options);
    const client = new DynamoDBClient({
      endpoint: emulator.endpoint,
      region: REGION,
      credentials: CREDENTIALS,
    });
    await client.send(new DeleteTableCommand({ TableName: TABLE }));
    const key = [{ AttributeName: "id", KeyType: "HASH" } as const];
    const AttributeDefinitions = [{ AttributeName: "id", AttributeType: "S" } as const];
    await client.send(
      new CreateTableCommand({
        TableName: TABLE,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: key,
        AttributeDefinitions,
      }),
    );
    client.destroy();
    await stopEmulator(emulator);
    const env = { PORT: String(await freePort()), DYNAMODB_DATA: folder };
    await expect(ended(env, "offline")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^DYNAMODB_DATA=.*earlier version.*Begin anew with an empty folder/),
    });
    await rm(folder, { recursive: true });
  });

  it.each(["package", "deploy"])("sls %s refuses an address that is not Keystone's", async (command) => {
    await expect(ended({}, command, ...keystone("https://iam.example.com"))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("keystoneAuthUrl=https://iam.example.com: "),
    });
  });

  it.each([
    ["apiDescription=no: on or off is expected", "--param", "apiDescription=no"],
    ["domainName=api.example: certificateArn is expected", "--param", "domainName=api.example"],
    ["--stage a-stage-that-is-long: at most 14 characters", "--stage", "a-stage-that-is-long"],
    ["The most, 4096, are of the parameter tokenKeys.", "--param", `tokenKeys=${"k".repeat(4_096)}`],
  ])("sls package refuses what AWS would not run: %s", async (sentence, ...args) => {
    const folder = await mkdtemp(join(tmpdir(), "package-"));
    await expect(ended({}, "package", "--package", folder, ...args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(sentence),
    });
    await rm(folder, { recursive: true });
  });

  it("sls package refuses a cloudFormationRole that is not an ARN", async () => {
    await expect(ended({}, "package", "--param", "cloudFormationRole=deployer")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("cloudFormationRole=deployer: a role's ARN is expected"),
    });
  });

  it.each(["package", "deploy"])("sls %s refuses an unknown parameter", async (command) => {
    await expect(ended({}, command, "--param", "tokenIsuer=x")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--param tokenIsuer: there is no such parameter."),
    });
  });
});

describe("settings of local runs", () => {
  it("sls offline announces the port, the interfaces, the storage and the Keystone that it uses", async () => {
    const other = await startService();
    const port = await freePort();
    const service = await startService({ AWS_ENDPOINT_URL_DYNAMODB: other.dynamodb }, [
      ...["node_modules/.bin/sls", "offline", "--httpPort", String(port), "--host", "0.0.0.0"],
      ...["--param", "keystoneAuthUrl=http://127.0.0.1:5000/v3"],
    ]);
    const address = /^Software Deployments +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect(new URL(address).port).toBe(String(port));
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect(service.output()).toContain(`DynamoDB at ${other.dynamodb}, as configured`);
    expect(service.output()).toMatch(
      /^Token +TOKEN=\$\(openstack --os-auth-url http:\/\/127\.0\.0\.1:5000\/v3 token issue/m,
    );
    await stopService(service);
    await stopService(other);
  });

  it("DYNAMODB_DATA keeps the data over a restart", async () => {
    const folder = await mkdtemp(join(tmpdir(), "data-"));
    const project = newProject();
    const token = (await npmToken("--project", project)).trim();
    const first = await startService({ DYNAMODB_DATA: folder });
    const { software_deployment } = (await (await create(first, project, token)).json()) as any;
    await stopService(first);
    const second = await startService({ DYNAMODB_DATA: folder });
    expect(await stored(second, software_deployment.id, project)).toMatchObject({
      config_id: minimal().config_id,
    });
    await stopService(second);
    await rm(folder, { recursive: true });
  });
});

describe("sls invoke local", () => {
  it("sls invoke local creates the deployment of the example event", async () => {
    const args = ["invoke", "local", "-f", "createSoftwareDeployment", "-p", "infra/local/create-event.json"];
    const { stdout } = await run("node_modules/.bin/sls", args, { env: { ...process.env, NODE_ENV: "" } });
    const answer = JSON.parse(stdout.slice(stdout.indexOf("\n{\n") + 1));
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body).software_deployment).toMatchObject({ action: "CREATE" });
  });
});
