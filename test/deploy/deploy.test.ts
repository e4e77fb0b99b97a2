import { execFile, spawnSync } from "node:child_process";
import { appendFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DescribeTableCommand, DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import { copySources } from "../support/checkout.ts";
import { type Resources, templateIn } from "../support/packaged.ts";
import { ACCOUNT } from "./calls.ts";
import { type Moto, startMoto } from "./moto.ts";
import { allowedActions, isAllowed } from "./policy.ts";

const PYTHON = process.env.MOTO_PYTHON ?? "python3";

const hasMoto = spawnSync(PYTHON, ["-c", "import moto.server"]).status === 0;
const left = "left out: deploying to moto; .ci/run installs it and sets MOTO_PYTHON";
if (!hasMoto) process.stderr.write(`${left}\n`);
if (!hasMoto && process.env.CI) throw new Error(left);

const STACK = "software-deployments-prod";
const PARAMETERS = [
  "tokenIssuer=https://issuer.example",
  "tokenAudience=a",
  "publicUrl=https://deployments.example",
  `cloudFormationRole=arn:aws:iam::${ACCOUNT}:role/software-deployments-cloudformation`,
].flatMap((parameter) => ["--param", parameter]);

/** The line with which `sls deploy` and `sls info` end. moto, which has no HTTP API, knows no other address. */
const API_URL = /^ApiUrl: https:\/\/deployments\.example$/m;

/** Actions that the policy allows although no request has their names. */
const NOT_ASKED: Record<string, string> = {
  "cloudformation:TagResource": "is asked for by CreateChangeSet: the CLI tags the stack with its stage",
  "s3:DeleteObject": "is asked for from the sixth deployment on, when the CLI deletes the oldest",
};

/** Actions that the CLI does without where they are refused. */
const DONE_WITHOUT: Record<string, string> = {
  "ecr:DescribeRepositories": "sls remove looks for container images, and the service has none",
};

let moto: Moto;
let tables: DynamoDBClient;
/** A copy of the sources, of which a line may change. */
let checkout: string;
/** The code of each function after the first deployment, as a digest. */
let firstCode: Record<string, string>;

beforeAll(async () => {
  if (!hasMoto) return;
  checkout = await copySources();
  moto = await startMoto(PYTHON, isAllowed);
  tables = new DynamoDBClient({ endpoint: moto.direct, region: REGION, credentials: CREDENTIALS });
});

afterAll(async () => {
  await moto?.stop();
  if (checkout) await rm(checkout, { recursive: true });
});

/** Runs `sls` for the stage `prod`, with the rights of who deploys; what it printed. */
const sls = async (...command: string[]): Promise<string> => {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: checkout,
    AWS_ENDPOINT_URL: moto.url,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
    // How often the CLI asks how far the stack is, in ms.
    SLS_AWS_MONITORING_FREQUENCY: "100",
  };
  const args = [...command, "--stage", "prod", ...PARAMETERS];
  const { stdout, stderr } = await promisify(execFile)("node_modules/.bin/sls", args, { env, cwd: checkout });
  return stdout + stderr;
};

/** The template that was deployed last. */
const template = async (): Promise<Resources> => {
  const text = await readFile(templateIn(join(checkout, ".serverless")), "utf8");
  return (JSON.parse(text) as { Resources: Resources }).Resources;
};

/** The physical ids of what moto has made of the stack, by logical ids. */
const stackResources = async (): Promise<Record<string, string>> => {
  const form = { Action: "DescribeStackResources", StackName: STACK };
  const text = await (await moto.ask("cloudformation", "/", form)).text();
  const ids = text.matchAll(
    /<LogicalResourceId>(\w+)<\/LogicalResourceId>(?:<PhysicalResourceId>([^<]*)<\/PhysicalResourceId>)?/g,
  );
  return Object.fromEntries([...ids].map(([, logical, physical = ""]) => [logical, physical]));
};

interface DeployedFunction {
  FunctionName: string;
  CodeSha256: string;
  Environment: { Variables: Record<string, string> };
}

const deployedFunctions = async (): Promise<DeployedFunction[]> => {
  const answer = await moto.ask("lambda", "/2015-03-31/functions/");
  return ((await answer.json()) as { Functions: DeployedFunction[] }).Functions;
};

const deployedCode = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await deployedFunctions()).map(({ FunctionName, CodeSha256 }) => [FunctionName, CodeSha256]),
  );

const tableNames = async (): Promise<string[]> =>
  (await tables.send(new ListTablesCommand())).TableNames ?? [];

describe.skipIf(!hasMoto)("deploying and removing a stage", () => {
  it("sls deploy makes all of the template that moto supports", async () => {
    const printed = await sls("deploy");
    expect(printed).toContain(`Service deployed to stack ${STACK}`);
    expect(printed).toMatch(API_URL);
    const resources = Object.entries(await template());
    const unknown = moto.unknownTypes();
    const known = resources.filter(([, { Type }]) => !unknown.includes(Type)).map(([id]) => id);
    process.stdout.write(
      `moto makes ${known.length} of ${resources.length} resources: no ${unknown.join(", ")}\n`,
    );
    expect(Object.keys(await stackResources()).toSorted()).toEqual(known.toSorted());
    firstCode = await deployedCode();
  });

  it("after sls deploy, the tables are there and named in each function's environment", async () => {
    const names = await stackResources();
    const defined = Object.entries(await template()).filter(
      ([, { Type }]) => Type === "AWS::DynamoDB::Table",
    );
    expect((await tableNames()).toSorted()).toEqual(defined.map(([id]) => names[id]).toSorted());
    // Encryption, time to live and recovery to a point in time are beyond moto.
    for (const [id, { Properties }] of defined) {
      const { Table } = await tables.send(new DescribeTableCommand({ TableName: names[id] }));
      const { AttributeDefinitions, KeySchema, DeletionProtectionEnabled, BillingMode } = Properties;
      expect({ ...Table, GlobalSecondaryIndexes: Table?.GlobalSecondaryIndexes ?? [] }).toMatchObject({
        AttributeDefinitions,
        KeySchema,
        DeletionProtectionEnabled,
        BillingModeSummary: { BillingMode },
        GlobalSecondaryIndexes: Properties.GlobalSecondaryIndexes ?? [],
      });
    }
    for (const { FunctionName, Environment } of await deployedFunctions())
      expect(Environment.Variables, FunctionName).toMatchObject({
        SOFTWARE_DEPLOYMENTS_TABLE: names.SoftwareDeploymentsTable,
        SOFTWARE_CONFIGS_TABLE: names.SoftwareConfigsTable,
      });
  });

  it("sls deploy without a change has nothing to do", async () => {
    const before = moto.calls.length;
    const printed = await sls("deploy");
    expect(printed).toContain("No changes to deploy");
    expect(printed).toMatch(API_URL);
    const made = moto.calls.slice(before).map(({ action }) => action);
    expect(made).toContain("lambda:GetFunction");
    expect(made).not.toContain("s3:PutObject");
    expect(made).not.toContain("cloudformation:CreateChangeSet");
  });

  it("sls deploy of a changed line changes the code of its function alone", async () => {
    await appendFile(join(checkout, "functions/service/health.ts"), "\nexport const changed = true;\n");
    expect(await sls("deploy")).toContain(`Service deployed to stack ${STACK}`);
    const code = await deployedCode();
    const changed = Object.keys(code).filter((name) => code[name] !== firstCode[name]);
    expect(changed).toEqual([`${STACK}-showHealth`]);
  });

  it("sls rollback lists both deployments, and goes back to the first", async () => {
    const [first = "", ...later] = [...(await sls("rollback")).matchAll(/^Timestamp: (\d+)$/gm)].map(
      ([, timestamp]) => timestamp,
    );
    expect(later).toHaveLength(1);
    expect(await sls("rollback", "--timestamp", first)).toContain("Service rolled back");
    expect(await deployedCode()).toEqual(firstCode);
  });

  it("sls info names the stack, and the API's address", async () => {
    const printed = await sls("info");
    expect(printed).toContain(`stack: ${STACK}`);
    expect(printed).toMatch(API_URL);
  });

  it("sls remove leaves the tables that the template keeps, and nothing else", async () => {
    const names = await stackResources();
    const kept = Object.entries(await template()).flatMap(([id, { Type, DeletionPolicy }]) =>
      Type === "AWS::DynamoDB::Table" && DeletionPolicy === "Retain" ? [names[id]] : [],
    );
    expect(await sls("remove")).toContain("has been successfully removed");
    expect(kept).toHaveLength(2);
    expect((await tableNames()).toSorted()).toEqual(kept.toSorted());
    expect(await deployedFunctions()).toEqual([]);
    expect(await (await moto.ask("s3", "/")).text()).not.toContain("<Bucket>");
    await expect(sls("info")).rejects.toMatchObject({ code: 1 });
  });

  it("sls deploy begins anew beside the tables that were kept", async () => {
    const kept = await tableNames();
    await sls("deploy");
    expect(await tableNames()).toHaveLength(2 * kept.length);
    expect(await tableNames()).toEqual(expect.arrayContaining(kept));
  });
});

describe.skipIf(!hasMoto)("infra/policies/deployer.json", () => {
  it("the deployer's policy allows all that the CLI has called above, except what it can do without", () => {
    expect([...new Set(moto.refused.map(({ action }) => action))]).toEqual(Object.keys(DONE_WITHOUT));
  });

  it("the deployer's policy allows nothing that the CLI has not called, except actions under other names", () => {
    const called = new Set(moto.calls.map(({ action }) => action));
    const uncalled = allowedActions.filter((action) => !called.has(action));
    expect(uncalled.toSorted()).toEqual(Object.keys(NOT_ASKED).toSorted());
  });
});
