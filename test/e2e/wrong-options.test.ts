import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { engines, freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { STAGE, TABLE } from "../../infra/local/stage.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import { copySources } from "../support/checkout.ts";
import { inLongForm, isLong } from "../support/long.ts";
import { loopback } from "../support/loopback.ts";

const run = promisify(execFile);

const keystone = (url: string): string[] => ["--param", `keystoneAuthUrl=${url}`];

/** The parts of a package that are in a checkout: templates and archives. */
const packages = async (checkout: string): Promise<string[]> => {
  const files = await readdir(join(checkout, ".serverless"), { recursive: true }).catch(() => []);
  return files.filter((name) => /\.zip$|template/.test(name));
};

describe("wrong options of sls", () => {
  const ended = (env: Record<string, string>, ...args: string[]) =>
    run("node_modules/.bin/sls", args, { env: { ...process.env, SLS_LOG_LEVEL: "warning", ...env } });

  it.each<[string, Record<string, string>, string[]]>([
    ["PORT=abc: a port is", { PORT: "abc" }, []],
    [
      "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:9: Nothing answers",
      { AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:9" },
      [],
    ],
    ["--param tokenIsuer: there is no such parameter", {}, ["--param", "tokenIsuer=x"]],
    ["keystoneAuthUrl=https://iam.example.com: ", {}, keystone("https://iam.example.com")],
    ...inLongForm<[string, Record<string, string>, string[]]>("seven more wrong options", [
      ["DYNAMODB_DATA=/dev/null/data: not a folder", { DYNAMODB_DATA: "/dev/null/data" }, []],
      ["PORT=80000: a port is", { PORT: "80000" }, []],
      ["PORT=0: a port is", { PORT: "0" }, []],
      ["--httpPort=0: a port is", {}, ["--httpPort", "0"]],
      ["DYNAMODB_PORT=x: a port is", { DYNAMODB_PORT: "x" }, []],
      ["keystoneAuthUrl=iam.example.com/v3: Keystone's address", {}, keystone("iam.example.com/v3")],
      ["keystoneAuthUrl=https://iam/v3/auth/tokens: ", {}, keystone("https://iam/v3/auth/tokens")],
    ]),
  ])("a wrong option ends sls offline with one sentence and exit code 1: %s", async (sentence, env, args) => {
    const port = String(await freePort());
    const failure = ended({ PORT: port, ...env }, "offline", ...args);
    await expect(failure).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) });
    await expect(failure).rejects.toMatchObject({ stderr: expect.stringMatching(/^[^\n]+\n$/) });
  });

  it("a port that is taken, each of the two, ends sls offline with one sentence", async () => {
    const other = await loopback((_, response) => void response.end());
    const { port } = new URL(other.url);
    for (const name of ["PORT", ...inLongForm("a taken DYNAMODB_PORT", ["DYNAMODB_PORT"])]) {
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

  it.each([
    ["No AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID", {}],
    ['No AWS credentials: AWS profile "absent" doesn\'t seem', { AWS_PROFILE: "absent" }],
  ])("sls deploy packages nothing where credentials are missing: %s", async (sentence, profile) => {
    const checkout = await copySources();
    const deployed = run("node_modules/.bin/sls", ["deploy", ...keystone("https://iam.example.com/v3")], {
      cwd: checkout,
      env: { PATH: process.env.PATH ?? "", HOME: checkout, AWS_EC2_METADATA_DISABLED: "true", ...profile },
    });
    await expect(deployed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) });
    expect(await packages(checkout)).toEqual([]);
    await rm(checkout, { recursive: true });
  });

  it("sls deploy refuses a stage that accepts nobody's tokens, and packages nothing", async () => {
    const checkout = await copySources();
    const deployed = run("node_modules/.bin/sls", ["deploy"], { cwd: checkout });
    await expect(deployed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Whose tokens are accepted?"),
    });
    expect(await packages(checkout)).toEqual([]);
    await rm(checkout, { recursive: true });
  });

  it("an older Node ends sls with the command that runs it on the project's own", async () => {
    const older = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.0'}})";
    const failure = ended(
      { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}` },
      "info",
    );
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Node 20\.19\.0 is too old for sls: use npx sls, [^\n]+\n$/),
    });
  });

  const systemNode = "/usr/bin/node";
  const systemVersion = spawnSync(systemNode, ["--version"], { encoding: "utf8" }).stdout?.trim() ?? "";
  const isOlder = /^v(20\.(19|[2-9]\d)|22\.(1[3-9]|[2-9]\d))\./.test(systemVersion);
  if (!isOlder)
    process.stderr.write(`left out: sls on an older Node that the framework takes; ${systemNode} is none\n`);

  it.runIf(isOlder)("the system's older Node reads that sentence too", async () => {
    const failure = run(systemNode, ["node_modules/.bin/sls", "info"], { env: { PATH: "/usr/bin:/bin" } });
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Node ${systemVersion.slice(1)} is too old for sls: use npx sls`),
    });
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

  it.each(inLongForm("wrong parameters of sls package and sls deploy", ["package", "deploy"]))(
    "sls %s refuses an address that is not Keystone's",
    async (command) => {
      await expect(ended({}, command, ...keystone("https://iam.example.com"))).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining("keystoneAuthUrl=https://iam.example.com: "),
      });
    },
  );

  it.each([
    ["apiDescription=no: on or off is expected", "--param", "apiDescription=no"],
    ...inLongForm("three more limits of AWS", [
      ["domainName=api.example: certificateArn is expected", "--param", "domainName=api.example"],
      ["--stage a-stage-that-is-long: at most 14 characters", "--stage", "a-stage-that-is-long"],
      ["The most, 4096, are of the parameter tokenKeys.", "--param", `tokenKeys=${"k".repeat(4_096)}`],
    ]),
  ])("sls package refuses what AWS would not run: %s", async (sentence, ...args) => {
    const folder = await mkdtemp(join(tmpdir(), "package-"));
    await expect(ended({}, "package", "--package", folder, ...args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(sentence),
    });
    await rm(folder, { recursive: true });
  });

  it.runIf(isLong)("sls package refuses a cloudFormationRole that is not an ARN", async () => {
    await expect(ended({}, "package", "--param", "cloudFormationRole=deployer")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("cloudFormationRole=deployer: a role's ARN is expected"),
    });
  });

  it.each(isLong ? ["package", "deploy"] : [])("sls %s refuses an unknown parameter", async (command) => {
    await expect(ended({}, command, "--param", "tokenIsuer=x")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--param tokenIsuer: there is no such parameter."),
    });
  });
});
