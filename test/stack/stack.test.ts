import { execFile } from "node:child_process";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUDIENCE, ISSUER, publicKeySet } from "../../infra/local/signing-key.ts";
import { copySources } from "../support/checkout.ts";
import { memberToken } from "../support/deployments.ts";
import { gatewayEvent } from "../support/gateway.ts";
import { ofType, type Resources, templateIn } from "../support/packaged.ts";
import { allowedActions } from "../support/policies.ts";
import { storyAnswers, storyScript } from "../support/story.ts";
import { commands, documented, type Replacement, ran } from "./commands.ts";
import { ACCOUNT, type Emulator, isInstalled, type Keys, ROOT, startEmulator } from "./emulator.ts";

const left = "left out: the whole stack; .ci/run installs ministack and sets MINISTACK";
if (!isInstalled) process.stderr.write(`${left}\n`);
if (!isInstalled && process.env.CI) throw new Error(left);

const STACK = "software-deployments-prod";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/software-deployments-cloudformation`;

/** Actions that a policy allows although the emulator does not ask for them. */
const NOT_ASKED: Record<string, Record<string, string>> = {
  deployer: {
    "cloudformation:TagResource": "is asked for by CreateChangeSet: the CLI tags the stack with its stage",
    "iam:PassRole": "is asked for by what names CloudFormation's role",
  },
  operators: {
    "logs:StopQuery": "is asked for by the console, where a query is stopped",
    "logs:DescribeQueryDefinitions": "is asked for by the console, and unknown to the emulator",
  },
};

/** Actions that the CLI does without where they are refused. */
const DONE_WITHOUT: Record<string, Record<string, string>> = {
  deployer: {
    "ecr:DescribeRepositories": "sls remove looks for container images, and the service has none",
  },
  operators: {},
};

/** The commands of `infra/README.md` that are not run here, by their beginnings. */
const NOT_RUN = {
  "TOKEN=": "the local service",
  "alias os": "the local service, which test/clients drives by this CLI",
  "os software": "the local service, which test/clients drives by this CLI",
  "AWS_ACCESS_KEY_ID=local": "the local service",
  "npx sls deploy --stage prod … --param domainName":
    "no domain leads to the emulator; test/template packages it",
  "npx sls deploy --stage prod … --param requestsPerSecond": "the emulator does not throttle",
  "aws service-quotas": "the emulator has no quotas",
  "aws cognito-idp": "a user pool of one's own: test/auth/cognito.test.ts",
  "S=": "what the other commands have in their environment",
  "aws cloudformation delete-stack": "no stack is stuck on the emulator",
  "aws cloudformation continue-update-rollback": "no stack is stuck on the emulator",
  "aws s3api list-object-versions": "sls remove has emptied the bucket",
  "aws secretsmanager restore-secret": "no secret is deleted by mistake",
};

/** The API's cases that do not run at the deployed address, by a part of their names. */
const NOT_HERE = {
  "%2F in its id": "a gateway decodes a path before it looks for its route, and finds none",
  "a per cent sign": "the emulator decodes a path twice",
};

let aws: Emulator;
let deployer: Keys;
let operator: Keys;
/** A copy of the sources, of which a line may change. */
let checkout: string;
/** The parameters of the stage, for a shell. */
let parameters: string;
/** The code of each function after the first deployment, as a digest. */
let firstCode: Record<string, string>;

/** Runs a command of `infra/README.md` with someone's rights. */
const run = (keys: Keys, start: string, ...replacements: Replacement[]): Promise<string> =>
  documented(start, { env: environment(keys), cwd: checkout, replacements });

const environment = (keys: Keys): Record<string, string> => ({
  ...aws.environment(keys),
  S: STACK,
  // How often the CLI asks how far the stack is, in ms.
  SLS_AWS_MONITORING_FREQUENCY: "200",
});

/** Runs the command line of AWS with someone's rights. @returns its answer */
const call = async (keys: Keys, ...args: string[]): Promise<any> => {
  const { stdout } = await promisify(execFile)("aws", [...args, "--output", "json"], {
    env: environment(keys),
    cwd: checkout,
    maxBuffer: 64 * 1_024 * 1_024,
  });
  return stdout ? JSON.parse(stdout) : undefined;
};

const newUser = async (name: string): Promise<Keys> => {
  await call(ROOT, "iam", "create-user", "--user-name", name);
  const { AccessKey } = await call(ROOT, "iam", "create-access-key", "--user-name", name);
  return { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
};

/** The template that was packaged last. */
const template = async (): Promise<Resources> =>
  (JSON.parse(await readFile(templateIn(join(checkout, "packaged")), "utf8")) as { Resources: Resources })
    .Resources;

/** The physical ids of what the stack has, by logical ids. */
const physicalIds = async (): Promise<Record<string, string>> => {
  const { StackResourceSummaries } = await call(
    ROOT,
    ...["cloudformation", "list-stack-resources", "--stack-name", STACK],
  );
  return Object.fromEntries(
    StackResourceSummaries.map(({ LogicalResourceId, PhysicalResourceId }: any) => [
      LogicalResourceId,
      PhysicalResourceId,
    ]),
  );
};

const deployedFunctions = async (): Promise<any[]> =>
  (await call(ROOT, "lambda", "list-functions")).Functions;

const deployedCode = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await deployedFunctions()).map(({ FunctionName, CodeSha256 }) => [FunctionName, CodeSha256]),
  );

/** The physical ids of what a stage keeps when it is removed, by logical ids. */
let kept: Record<string, string>;

beforeAll(async () => {
  if (!isInstalled) return;
  checkout = await copySources();
  aws = await startEmulator();
  const settings = [
    `tokenIssuer=${ISSUER}`,
    `tokenAudience=${AUDIENCE}`,
    `tokenKeys=${JSON.stringify(await publicKeySet())}`,
    `publicUrl=${aws.apiUrl}`,
  ];
  const role = `cloudFormationRole=${ROLE}`;
  parameters = [...settings, role].map((setting) => `--param '${setting}'`).join(" ");
});

afterAll(async () => {
  await aws?.stop();
  if (checkout) await rm(checkout, { recursive: true });
});

describe.skipIf(!isInstalled)("deploying, operating and removing a stage", () => {
  it("an administrator attaches the three policies", async () => {
    const account: Replacement = ["ACCOUNT", ACCOUNT];
    deployer = await newUser("deployer");
    await run(ROOT, "aws iam create-policy --policy-name software-deployments-deployer");
    await run(ROOT, "aws iam attach-user-policy --user-name DEPLOYER", ["DEPLOYER", "deployer"], account);
    await run(ROOT, "aws iam create-role");
    await run(ROOT, "aws iam put-role-policy");
    operator = await newUser("operator");
    await run(ROOT, "aws iam create-policy --policy-name software-deployments-operator");
    await run(ROOT, "aws iam attach-user-policy --user-name OPERATOR", ["OPERATOR", "operator"], account);
  });

  it("sls deploy makes all of the template", async () => {
    await sls(deployer, `package ${parameters} --package packaged`);
    const deploy = "npx sls deploy --stage prod --param cloudFormationRole";
    const printed = await run(
      deployer,
      deploy,
      ["ACCOUNT", ACCOUNT],
      ["…", `${parameters} --package packaged`],
    );
    expect(printed).toContain(`Service deployed to stack ${STACK}`);
    const resources = await template();
    process.stdout.write(`the stack has ${Object.keys(resources).length} resources\n`);
    expect(Object.keys(await physicalIds()).toSorted()).toEqual(Object.keys(resources).toSorted());
    firstCode = await deployedCode();
  });

  it("what sls deploy has made is as the template says", async () => {
    const [resources, ids] = [await template(), await physicalIds()];
    const resolve = (value: any): any => (value?.Ref ? ids[value.Ref] : value);
    for (const [id, { Properties }] of ofType(resources, "AWS::DynamoDB::Table")) {
      const name = ["--table-name", ids[id] ?? ""];
      const { Table } = await call(ROOT, "dynamodb", "describe-table", ...name);
      const { AttributeDefinitions, KeySchema, DeletionProtectionEnabled, BillingMode } = Properties;
      expect({ ...Table, GlobalSecondaryIndexes: Table.GlobalSecondaryIndexes ?? [] }).toMatchObject({
        ...{ AttributeDefinitions, KeySchema, DeletionProtectionEnabled },
        BillingModeSummary: { BillingMode },
        GlobalSecondaryIndexes: Properties.GlobalSecondaryIndexes ?? [],
      });
      const { TimeToLiveDescription } = await call(ROOT, "dynamodb", "describe-time-to-live", ...name);
      expect(TimeToLiveDescription.AttributeName).toBe(Properties.TimeToLiveSpecification?.AttributeName);
    }
    const functions = Object.groupBy(await deployedFunctions(), ({ FunctionName }) => FunctionName);
    for (const [, { Properties }] of ofType(resources, "AWS::Lambda::Function")) {
      const [made] = functions[Properties.FunctionName] ?? [];
      const { Handler, Runtime, MemorySize, Timeout, Architectures, LoggingConfig, Environment } = Properties;
      const Variables = Object.fromEntries(
        Object.entries(Environment.Variables).map(([name, value]) => [name, resolve(value)]),
      );
      expect(made).toMatchObject({ Handler, Runtime, MemorySize, Timeout, Architectures });
      expect(made.Environment.Variables).toEqual(Variables);
      expect(made.LoggingConfig.LogGroup).toBe(LoggingConfig.LogGroup);
    }
    const { logGroups } = await call(ROOT, "logs", "describe-log-groups");
    for (const [, { Properties }] of ofType(resources, "AWS::Logs::LogGroup"))
      expect(logGroups).toContainEqual(
        expect.objectContaining({
          logGroupName: Properties.LogGroupName,
          retentionInDays: Properties.RetentionInDays,
        }),
      );
    expect(logGroups).toHaveLength(2);
    const { MetricAlarms } = await call(ROOT, "cloudwatch", "describe-alarms");
    const alarms = ofType(resources, "AWS::CloudWatch::Alarm");
    expect(MetricAlarms).toHaveLength(alarms.length);
    for (const [, { Properties }] of alarms) {
      const { AlarmName, Threshold, ComparisonOperator, EvaluationPeriods, TreatMissingData } = Properties;
      const alarm = { AlarmName, Threshold, ComparisonOperator, EvaluationPeriods, TreatMissingData };
      expect(MetricAlarms).toContainEqual(expect.objectContaining(alarm));
    }
    const { Items } = await call(ROOT, "apigatewayv2", "get-routes", "--api-id", ids.HttpApi ?? "");
    const routes = ofType(resources, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties);
    expect(Items.map(({ RouteKey }: any) => RouteKey).toSorted()).toEqual(
      routes.map(({ RouteKey }) => RouteKey).toSorted(),
    );
  });

  it("README's story runs at the deployed address", async () => {
    const { PATH = "" } = process.env;
    const { stdout } = await promisify(execFile)("sh", ["-e", "-c", storyScript(aws.apiUrl)], {
      env: { PATH },
    });
    const { written, given } = storyAnswers(stdout);
    expect(given).toEqual(written);
  });

  it("the API's tests of creates, configurations and delivery pass at the deployed address", async () => {
    const env = {
      ...process.env,
      ...environment(ROOT),
      API_URL: aws.apiUrl,
      AWS_ENDPOINT_URL_DYNAMODB: aws.endpoint,
      DEPLOYMENTS_TABLE: (await physicalIds()).SoftwareDeploymentsTable,
    };
    const files = ["create", "configs", "delivery"].map((name) => `test/api/${name}`);
    const but = `^(?!.*(${Object.keys(NOT_HERE).join("|")}))`;
    const vitest = ["run", "--config", "test/vitest.config.ts", "--project", "api over HTTP"];
    const args = [...vitest, ...files, "--testNamePattern", but];
    const { stdout } = await promisify(execFile)("node_modules/.bin/vitest", args, { env }).catch((error) => {
      throw new Error(`${error.stdout}`.split("Failed Tests").at(-1));
    });
    process.stdout.write(`at the deployed address: ${/Tests .*/.exec(stdout)?.[0]}\n`);
    for (const [name, reason] of Object.entries(NOT_HERE))
      process.stdout.write(`left out there: ${name}: ${reason}\n`);
  });

  it("sls deploy without a change has nothing to do", async () => {
    const before = (await aws.calls()).length;
    const printed = await run(
      deployer,
      "npx sls deploy --stage prod --param tokenIssuer",
      ["https://cognito-idp.eu-central-1.amazonaws.com/POOL", ISSUER],
      ["CLIENT", `${AUDIENCE} ${parameters} --package packaged`],
    );
    expect(printed).toContain("No changes to deploy");
    const made = (await aws.calls()).slice(before).map(({ action }) => action);
    expect(made).toContain("lambda:GetFunction");
    expect(made).not.toContain("s3:PutObject");
  });

  it("sls deploy of a changed line changes the code of its function alone, and notifies an alarm topic", async () => {
    await appendFile(join(checkout, "functions/service/health.ts"), "\nexport const changed = true;\n");
    const { TopicArn } = JSON.parse(await run(ROOT, "aws sns create-topic"));
    await run(ROOT, "aws sns subscribe", ["ARN", TopicArn]);
    const deploy = "npx sls deploy --stage prod … --param alarmTopic";
    expect(await run(deployer, deploy, ["…", parameters], ["ARN", TopicArn])).toContain(
      `Service deployed to stack ${STACK}`,
    );
    const { MetricAlarms } = await call(ROOT, "cloudwatch", "describe-alarms");
    expect(MetricAlarms.map(({ AlarmActions }: any) => AlarmActions)).toContainEqual([TopicArn]);
    const code = await deployedCode();
    const changed = Object.keys(code).filter((name) => code[name] !== firstCode[name]);
    expect(changed).toEqual([`${STACK}-showHealth`]);
  });

  it("sls rollback lists both deployments, and goes back to the first", async () => {
    const timestamps = [
      ...(await run(deployer, "npx sls rollback --stage prod")).matchAll(/^Timestamp: (\d+)$/gm),
    ];
    const [first = "", ...later] = timestamps.map(([, timestamp = ""]) => timestamp);
    expect(later).toHaveLength(1);
    const rollback = "npx sls rollback --stage prod --timestamp";
    expect(await run(deployer, rollback, ["1790000000000", first])).toContain("Service rolled back");
    expect(await deployedCode()).toEqual(firstCode);
  });

  it("an operator reads logs, runs a saved query, and invokes a function", async () => {
    const group = `/aws/lambda/${STACK}`;
    const { events } = JSON.parse(await run(operator, "aws logs filter-log-events"));
    expect(events.some(({ message }: any) => message.includes(`"FunctionName":"${STACK}-`))).toBe(true);
    await call(operator, "logs", "describe-log-groups");
    const [[, query] = []] = ofType(await template(), "AWS::Logs::QueryDefinition");
    const text = query?.Properties.QueryString.replace("REQUEST", "req-");
    const range = ["--start-time", "0", "--end-time", String(Math.ceil(Date.now() / 1_000))];
    const ask = ["--log-group-name", group, ...range, "--query-string", text];
    const { queryId } = await call(operator, "logs", "start-query", ...ask);
    await call(operator, "logs", "get-query-results", "--query-id", queryId);
    await writeFile(join(checkout, "event.json"), JSON.stringify(gatewayEvent("GET", "/health", {})));
    expect(await sls(operator, "invoke --function showHealth --path event.json")).toContain(
      '"statusCode": 200',
    );
  });

  it("an operator adds a key of links, which signs after ten minutes at the earliest, and drops it", async () => {
    const secret = ["--secret-id", (await physicalIds()).LinkKeys ?? ""];
    const keys = async (): Promise<string[]> =>
      (await call(ROOT, "secretsmanager", "get-secret-value", ...secret)).SecretString.split(",");
    const [first] = await keys();
    await run(operator, "npx node infra/ops/link-keys.ts add");
    expect(await keys()).toEqual([first, expect.any(String)]);
    await expect(run(operator, "npx node infra/ops/link-keys.ts use")).rejects.toThrow("in 10 minutes");
    await run(operator, "npx node infra/ops/link-keys.ts drop");
    expect(await keys()).toEqual([first]);
  });

  it("sls info names the stack, and ends with the address", async () => {
    const printed = await sls(deployer, "info");
    expect(printed).toContain(`stack: ${STACK}`);
    expect(printed.trim().split("\n").at(-1)).toBe(`ApiUrl: ${aws.apiUrl}`);
  });

  it("sls remove leaves the tables and the key of links, and nothing else", async () => {
    const [resources, ids] = [await template(), await physicalIds()];
    const retained = Object.keys(resources).filter((id) => resources[id]?.DeletionPolicy === "Retain");
    kept = Object.fromEntries(retained.map((id) => [id, ids[id] ?? ""]));
    expect(retained.toSorted()).toEqual(["LinkKeys", "SoftwareConfigsTable", "SoftwareDeploymentsTable"]);
    expect(await run(deployer, "npx sls remove")).toContain("has been successfully removed");
    const { TableNames } = await call(ROOT, "dynamodb", "list-tables");
    expect(TableNames.toSorted()).toEqual(
      [kept.SoftwareConfigsTable, kept.SoftwareDeploymentsTable].toSorted(),
    );
    const { SecretList } = await call(ROOT, "secretsmanager", "list-secrets");
    expect(SecretList.map(({ ARN }: any) => ARN)).toEqual([kept.LinkKeys]);
    expect(await deployedFunctions()).toEqual([]);
    expect((await call(ROOT, "s3api", "list-buckets")).Buckets).toEqual([]);
    expect((await call(ROOT, "logs", "describe-log-groups")).logGroups).toEqual([]);
    await expect(sls(deployer, "info")).rejects.toMatchObject({ code: 1 });
  });

  it("what was kept is imported into a new stack, which is deployed with the old data", async () => {
    const found = await run(deployer, "aws resourcegroupstaggingapi get-resources --query");
    // The emulator lists no secrets.
    for (const id of ["SoftwareDeploymentsTable", "SoftwareConfigsTable"]) expect(found).toContain(kept[id]);
    await run(deployer, "npx sls package --stage prod …", ["…", parameters]);
    await run(deployer, "jq");
    await run(
      deployer,
      "aws cloudformation create-change-set",
      ["ACCOUNT", ACCOUNT],
      ["…", kept.SoftwareDeploymentsTable ?? ""],
      ["…", kept.SoftwareConfigsTable ?? ""],
      ["arn:aws:secretsmanager:…", kept.LinkKeys ?? ""],
    );
    for (const step of [
      "wait change-set-create-complete",
      "execute-change-set",
      "wait stack-import-complete",
    ])
      await run(deployer, `aws cloudformation ${step}`);
    const retention = "--param retentionDays=30";
    await run(deployer, "npx sls deploy --stage prod …", ["…", `${parameters} ${retention}`]);
    expect(await physicalIds()).toMatchObject(kept);
    const { SOFTWARE_DEPLOYMENTS_TABLE, LINK_KEYS } = (await deployedFunctions())[0].Environment.Variables;
    expect([SOFTWARE_DEPLOYMENTS_TABLE, LINK_KEYS]).toEqual([kept.SoftwareDeploymentsTable, kept.LinkKeys]);
    const token = await memberToken("demo");
    const answer = await fetch(`${aws.apiUrl}/v1/demo/software_deployments`, {
      headers: { "x-auth-token": token },
    });
    const { software_deployments } = (await answer.json()) as { software_deployments: object[] };
    expect(software_deployments).toHaveLength(1);
  });

  it("an operator gives old deployments the end that a retention sets for new ones", async () => {
    const sweep = "npx node infra/ops/sweep.ts --stage prod";
    expect(await run(operator, `${sweep} --dry-run`)).toMatch(/without an end: [1-9]/);
    expect(await run(operator, sweep)).toMatch(/given an end: [1-9]/);
  });
});

describe.skipIf(!isInstalled)("what an administrator does by hand", () => {
  it("quotas are looked at", async () => {
    await run(ROOT, "aws lambda get-account-settings");
    await run(ROOT, "aws cloudformation describe-stack-events");
  });

  it("a table is restored as it was, beside the old one", async () => {
    const { SoftwareDeploymentsTable: old = "" } = await physicalIds();
    const name: Replacement = ["NEW", "restored"];
    const time: Replacement = ["2026-11-24T08:00:00Z", new Date().toISOString()];
    await run(ROOT, "aws dynamodb restore-table-to-point-in-time", ["OLD", old], name, time);
    await run(ROOT, "aws dynamodb wait table-exists", name);
    await run(ROOT, "aws dynamodb update-time-to-live", name);
    await run(ROOT, "aws dynamodb update-continuous-backups", name);
    await run(ROOT, "aws dynamodb update-table --table-name NEW", name);
    const { Table } = await call(ROOT, "dynamodb", "describe-table", "--table-name", "restored");
    expect([Table.DeletionProtectionEnabled, Table.ItemCount > 0]).toEqual([true, true]);
  });

  it("everything is deleted, what is kept too", async () => {
    await sls(deployer, "remove");
    await run(ROOT, "aws resourcegroupstaggingapi get-resources …", [
      "…",
      "--tag-filters Key=service,Values=software-deployments",
    ]);
    for (const id of ["SoftwareDeploymentsTable", "SoftwareConfigsTable"]) {
      const table: Replacement = ["T", kept[id] ?? ""];
      await run(ROOT, "aws dynamodb update-table --table-name T", table);
      await run(ROOT, "aws dynamodb delete-table --table-name T", table);
    }
    await run(ROOT, "aws secretsmanager delete-secret", ["ARN", kept.LinkKeys ?? ""]);
    expect((await call(ROOT, "dynamodb", "list-tables")).TableNames).toEqual(["restored"]);
  });

  it("every command of infra/README.md was run above, but for those that cannot", () => {
    const left = commands.filter((command) => !ran.has(command));
    const isExcepted = (command: string) => Object.keys(NOT_RUN).some((start) => command.startsWith(start));
    expect(left.filter((command) => !isExcepted(command))).toEqual([]);
    for (const start of Object.keys(NOT_RUN))
      expect(
        left.some((command) => command.startsWith(start)),
        start,
      ).toBe(true);
  });
});

describe.skipIf(!isInstalled)("infra/policies", () => {
  const callsBy = async ({ accessKeyId }: Keys) =>
    (await aws.calls()).filter(({ key }) => key === accessKeyId);

  it.each([
    ["deployer", () => deployer],
    ["operators", () => operator],
  ] as const)("the policy of %s allows what was called, and nothing else", async (name, who) => {
    const calls = await callsBy(who());
    const refused = calls.filter(({ allowed }) => !allowed).map(({ action }) => action);
    expect([...new Set(refused)]).toEqual(Object.keys(DONE_WITHOUT[name] ?? {}));
    const called = new Set(calls.map(({ action }) => action));
    const uncalled = allowedActions(name).filter((action) => !called.has(action));
    expect(uncalled.toSorted()).toEqual(Object.keys(NOT_ASKED[name] ?? {}).toSorted());
  });
});

/** Runs `sls` for the stage `prod` with someone's rights. @returns what it printed */
const sls = async (keys: Keys, command: string): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)("sh", ["-c", `npx sls ${command} --stage prod`], {
    env: environment(keys),
    cwd: checkout,
  });
  return stdout + stderr;
};
