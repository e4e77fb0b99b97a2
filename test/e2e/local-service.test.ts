import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import { deploymentsOf, minimal, newProject, SEED_PROJECT, SEED_REQUEST } from "../support/deployments.ts";
import { eventually, type Service, startService, stopService } from "../support/service.ts";
import { TABLE } from "../support/stage.ts";

const run = promisify(execFile);

const npmToken = async (...args: string[]): Promise<string> =>
  (await run("npm", ["run", "token", "--", ...args], { env: { PATH: process.env.PATH ?? "" } })).stdout;

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

const emulatorPid = (service: Service): number => {
  const { port } = new URL(service.dynamodb);
  const processes = execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" }).split("\n");
  return Number.parseInt(processes.find((line) => line.includes(`--port ${port}`)) ?? "", 10);
};

describe("npm start", () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({}, ["npm", "start"]);
  });

  afterAll(() => stopService(service));

  it("prints a curl line that works as it stands; the item is in the table", async () => {
    const line = /^curl .*$/m.exec(service.output())?.[0] ?? "";
    const { stdout } = await run("sh", ["-c", line]);
    expect(stdout).toMatch(/^HTTP\/1.1 200/);
    const { software_deployment } = JSON.parse(stdout.slice(stdout.indexOf("\r\n\r\n")));
    expect(Object.keys(software_deployment)).toEqual([
      ...["status", "server_id", "config_id", "output_values", "input_values", "action", "status_reason"],
      ...["id", "creation_time"],
    ]);
    expect(await stored(service, software_deployment.id)).toMatchObject(SEED_REQUEST);
  });

  it("prints a token for the example project", async () => {
    const token = /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect((await create(service, SEED_PROJECT, token)).status).toBe(200);
    expect((await create(service, newProject(), token)).status).toBe(401);
  });

  it("takes the tokens of npm run token, which prints one alone", async () => {
    const project = newProject();
    const member = await npmToken("--project", project);
    expect(member).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect((await create(service, project, member.trim())).status).toBe(200);
    const reader = await npmToken("--project", project, "--roles", "reader");
    const ended = await npmToken("--project", project, "--expires-in=-1");
    for (const token of [reader, ended])
      expect((await create(service, project, token.trim())).status).toBe(401);
  });

  it("outlives its emulator: 503 while that is gone, 200 when it is back", async () => {
    const project = newProject();
    const token = (await npmToken("--project", project)).trim();
    process.kill(emulatorPid(service), "SIGKILL");
    const down = await create(service, project, token);
    expect(down.status).toBe(503);
    expect(await down.json()).toMatchObject({ code: 503, error: { type: "ServiceUnavailable" } });
    await eventually("200 again", async () => (await create(service, project, token)).ok || undefined);
  });

  it("logs no token", () => {
    const logged = service.output().slice(service.output().indexOf("\ncurl "));
    const token = /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "";
    expect(logged.split("\n").slice(2).join("\n")).not.toContain(token.split(".")[2]);
  });

  it("ends with everything it started on Ctrl-C", async () => {
    await stopService(service);
    await eventually("the ports are free", async () => {
      const up = await Promise.all([listens(service.url), listens(service.dynamodb)]);
      return up.includes(true) ? undefined : true;
    });
  });
});

describe("settings of local runs", () => {
  it("DYNAMODB_DATA keeps the data across restarts", async () => {
    const folder = await mkdtemp(join(tmpdir(), "data-"));
    const project = newProject();
    const token = (await npmToken("--project", project)).trim();
    const first = await startService({ DYNAMODB_DATA: folder });
    const { software_deployment } = (await (await create(first, project, token)).json()) as any;
    await stopService(first);
    const second = await startService({ DYNAMODB_DATA: folder });
    expect(await stored(second, software_deployment.id, project)).toMatchObject(minimal());
    await stopService(second);
    await rm(folder, { recursive: true });
  });
});

describe("sls invoke local", () => {
  it("creates the deployment of the example event", async () => {
    const args = ["invoke", "local", "-f", "createSoftwareDeployment", "-p", "infra/local/create-event.json"];
    const { stdout } = await run("node_modules/.bin/sls", args, { env: { ...process.env, NODE_ENV: "" } });
    const answer = JSON.parse(stdout.slice(stdout.indexOf("\n{\n") + 1));
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body).software_deployment).toMatchObject({ action: "CREATE" });
  });
});
