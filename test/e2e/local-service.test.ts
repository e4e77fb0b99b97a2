import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { EXAMPLE_CONFIG, EXAMPLE_CONFIG_ID, EXAMPLE_PROJECT } from "../../infra/local/example.ts";
import { eventually, type Service, startService, stopService } from "../../infra/local/service.ts";
import { STAGE, TABLE } from "../../infra/local/stage.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import { deploymentsOf, minimal, newProject } from "../support/deployments.ts";
import { inLongForm, isLong } from "../support/long.ts";

const run = promisify(execFile);

const env = {
  PATH: process.env.PATH ?? "",
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
};

const npmToken = async (...args: string[]): Promise<string> =>
  (await run("npm", ["run", "-s", "token", "--", ...args], { env })).stdout;

const create = (service: Service, project: string, token: string) =>
  fetch(`${service.url}${deploymentsOf(project)}`, {
    method: "POST",
    headers: { "x-auth-token": token },
    body: JSON.stringify(minimal()),
  });

const stored = async (service: Service, id: string, project = EXAMPLE_PROJECT) => {
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

/** The processes of the group in which a service was started: their ids, their parents' and their commands. */
const processesOf = ({ process: { pid } }: Service): { id: number; parent: number; command: string }[] =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , group]) => group === String(pid))
    .map(([id, parent, , ...command]) => ({
      id: Number(id),
      parent: Number(parent),
      command: command.join(" "),
    }));

const emulatorPid = (service: Service): number =>
  processesOf(service).find(({ command }) => /dynoxide --host|dynalite\/cli/.test(command))?.id ?? 0;

/** The process that npm has started: the framework, which takes npm's shell's place. */
const frameworkPid = (service: Service): number =>
  processesOf(service).find(
    ({ parent, command }) => command.includes("sls offline") && parent === service.process.pid,
  )?.id ?? 0;

const nothingIsLeft = (service: Service): Promise<true> =>
  eventually("the ports are free, and no process is left", async () => {
    const up = await Promise.all([listens(service.url), listens(service.dynamodb)]);
    return up.includes(true) || processesOf(service).length > 0 ? undefined : true;
  });

if (!isLong) process.stderr.write("left out: sls package beside a local service; npm run test:long has it\n");

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
    expect(await stored(service, software_deployment.id)).toMatchObject({
      config_id: software_deployment.config_id,
      serverKey: `${EXAMPLE_PROJECT}#${software_deployment.server_id}`,
    });
  });

  it("the printed command names a configuration that exists, which has a script for each server", async () => {
    const headers = { "x-auth-token": /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "" };
    const command = /^curl .*$/m.exec(service.output())?.[0] ?? "";
    const { config_id } = JSON.parse(/-d '(.*)'$/.exec(command)?.[1] ?? "");
    const project = /\/v1\/([^/]+)\//.exec(command)?.[1];
    const response = await fetch(`${service.url}/v1/${project}/software_configs/${config_id}`, { headers });
    expect(response.status).toBe(200);
    const { name, group, config } = EXAMPLE_CONFIG;
    expect(await response.json()).toMatchObject({ software_config: { name, group, config } });
  });

  it("npm start prints a token for the example project", async () => {
    const token = /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect((await create(service, EXAMPLE_PROJECT, token)).status).toBe(200);
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

  it.runIf(isLong)(
    "sls package beside a local service does not disturb it, and leaves no folders behind",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "package-"));
      const temporary = await mkdtemp(join(folder, "temporary-"));
      await run("node_modules/.bin/sls", ["package", "--package", join(folder, "package")], {
        env: { ...env, HOME: folder, TMPDIR: temporary },
      });
      expect(await readdir(temporary)).toEqual([]);
      const project = newProject();
      const token = (await npmToken("--project", project)).trim();
      expect((await create(service, project, token)).status).toBe(200);
      await rm(folder, { recursive: true });
    },
  );

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
  it.each<[who: "npm" | "the framework", signal: NodeJS.Signals]>([
    ["npm", "SIGKILL"],
    ["the framework", "SIGKILL"],
    ...inLongForm<["npm" | "the framework", NodeJS.Signals]>("three milder signals", [
      ["npm", "SIGTERM"],
      ["npm", "SIGINT"],
      ["the framework", "SIGTERM"],
    ]),
  ])("nothing stays running when a signal ends npm start: %s by %s", async (who, signal) => {
    const service = await startService({}, ["npm", "start"]);
    process.kill(who === "npm" ? (service.process.pid ?? 0) : frameworkPid(service), signal);
    await nothingIsLeft(service);
  });
});

describe("settings of local runs", () => {
  it("sls offline announces the port, the interfaces, the storage and the Keystone that it uses", async () => {
    const other = await startEmulator({ engine: "dynalite", port: await freePort(), stage: STAGE });
    const port = await freePort();
    const service = await startService({ AWS_ENDPOINT_URL_DYNAMODB: other.endpoint }, [
      ...["node_modules/.bin/sls", "offline", "--httpPort", String(port), "--host", "0.0.0.0"],
      ...["--param", "keystoneAuthUrl=http://127.0.0.1:5000/v3"],
    ]);
    const address = /^Software Deployments +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect(new URL(address).port).toBe(String(port));
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect(service.output().trimEnd().split("\n").length, "as quiet as npm start").toBeLessThanOrEqual(9);
    expect(service.output()).toContain(`DynamoDB at ${other.endpoint}, as configured`);
    expect(service.output()).toMatch(
      /^Token +TOKEN=\$\(openstack --os-auth-url http:\/\/127\.0\.0\.1:5000\/v3 token issue/m,
    );
    await stopService(service);
    await stopEmulator(other);
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
    const { stdout } = await run("node_modules/.bin/sls", args, {
      env: { ...process.env, NODE_ENV: "", PORT: "4567" },
    });
    const answer = JSON.parse(stdout.slice(stdout.indexOf("\n{\n") + 1));
    expect(answer.statusCode).toBe(200);
    const { software_deployment } = JSON.parse(answer.body);
    expect(software_deployment).toMatchObject({ config_id: EXAMPLE_CONFIG_ID });
    expect(answer.headers.location).toBe(
      `http://localhost:4567${deploymentsOf(EXAMPLE_PROJECT)}/${software_deployment.id}`,
    );
  });
});
