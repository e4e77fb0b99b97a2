import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { packaged, type Resources, templateIn } from "../support/packaged.ts";
import { allowedActions, statementsOf } from "../support/policies.ts";
import { EVERY_PARAMETER } from "./every-parameter.ts";
import { type Finding, lintFindings, nagFindings } from "./findings.ts";

const REGION = "eu-central-1";

const CFN_LINT = process.env.CFN_LINT ?? "cfn-lint";
const CDK_NAG = process.env.CDK_NAG ?? "";

const hasLint = spawnSync(CFN_LINT, ["--version"]).status === 0;
const hasNag = existsSync(join(CDK_NAG, "node_modules/cdk-nag"));
for (const [has, left] of [
  [hasLint, "left out: cfn-lint, which is not installed, or CFN_LINT does not name it"],
  [hasNag, "left out: cdk-nag; .ci/run installs it and sets CDK_NAG"],
] as const) {
  if (!has) process.stderr.write(`${left}\n`);
  if (!has && process.env.CI) throw new Error(left);
}

const yaml = (file: string) => parse(readFileSync(new URL(file, import.meta.url), "utf8"));

/** Reasons by rule and type of resource. */
const EXCEPTIONS: Record<string, Record<string, string>> = yaml("../../infra/stack/template-exceptions.yml");

const TOKENS = ["tokenIssuer=https://issuer.example", "tokenAudience=a"];
const STAGES: Record<string, [stage: string, ...parameters: string[]]> = {
  dev: ["dev"],
  prod: ["prod", ...TOKENS],
  "prod with every parameter set": [
    "prod",
    ...Object.entries(EVERY_PARAMETER).map(([name, value]) => `${name}=${value}`),
  ],
};

const stages = new Map<string, { template: string; resources: Resources }>();
/** The exceptions that some finding needed, as `RULE TYPE`. */
const needed = new Set<string>();
const folders: string[] = [];

beforeAll(async () => {
  for (const [name, [stage, ...parameters]] of Object.entries(STAGES)) {
    const folder = await mkdtemp(join(tmpdir(), "package-"));
    folders.push(folder);
    const resources = await packaged(folder, stage, ...parameters);
    stages.set(name, { template: templateIn(folder), resources });
  }
});

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const stageOf = (name: string) => {
  const stage = stages.get(name);
  if (!stage) throw new Error(`${name} was not packaged.`);
  return stage;
};

/** The findings that nothing excepts, as lines. */
const open = (findings: Finding[], resources: Resources): string[] =>
  findings.flatMap(({ rule, resource, message }) => {
    const type = resources[resource]?.Type ?? "the template";
    if (!EXCEPTIONS[rule]?.[type]) return [`${rule} ${resource} (${type}): ${message}`];
    needed.add(`${rule} ${type}`);
    return [];
  });

describe.each(Object.keys(STAGES))("template of %s", (name) => {
  it.skipIf(!hasLint)("the template passes cfn-lint", async () => {
    const { template, resources } = stageOf(name);
    expect(open(await lintFindings(CFN_LINT, template, REGION), resources)).toEqual([]);
  });

  it.skipIf(!hasNag)("the template passes cdk-nag", () => {
    const { template, resources } = stageOf(name);
    expect(open(nagFindings(CDK_NAG, template), resources)).toEqual([]);
  });
});

describe("exceptions of the template checks", () => {
  it.skipIf(!hasLint || !hasNag)("every exception of cfn-lint and cdk-nag is needed", () => {
    const written = Object.entries(EXCEPTIONS).flatMap(([rule, types]) =>
      Object.keys(types).map((type) => `${rule} ${type}`),
    );
    expect(written.filter((exception) => !needed.has(exception))).toEqual([]);
  });
});

describe("stage with every parameter set", () => {
  it("the stage with every parameter set gives each another value than its default", () => {
    const { params } = yaml("../../serverless.yml");
    const defaults: Record<string, unknown> = { ...params.default, ...params.prod };
    expect(Object.keys(EVERY_PARAMETER).toSorted()).toEqual(Object.keys(defaults).toSorted());
    for (const [name, value] of Object.entries(EVERY_PARAMETER))
      expect(value, name).not.toBe(String(defaults[name]));
  });
});

/** The actions that handlers may ask for, and that CloudFormation's role does without, with the reason. */
const NOT_NEEDED: [RegExp, string][] = [
  [/^(kms|kinesis|firehose|ec2|elasticfilesystem|s3files|s3tables):/, "the stage has none of these"],
  [/:List(Tables|Roles|Functions|AllMyBuckets|Secrets|Dashboards)$/, "lists an account"],
  [/^dynamodb:\w*(Replica|Import|ImportTable)$/, "no replicas and imports"],
  [/^dynamodb:(GetItem|PutItem|UpdateItem|DeleteItem|BatchWriteItem|Query|Scan)$/, "of replicas and imports"],
  [/^logs:(CreateLogStream|DescribeLogStreams|PutLogEvents)$/, "of a table's imports"],
  [/^dynamodb:(Enable|Disable|Update)KinesisStreamingDestination$/, "the template sets none"],
  [/^dynamodb:(UpdateContributorInsights|PutResourcePolicy|DeleteResourcePolicy)$/, "the template sets none"],
  [/^iam:(AttachRolePolicy|DetachRolePolicy|\w+PermissionsBoundary|UpdateRoleDescription)$/, "the same"],
  [/^lambda:(PutFunction|DeleteFunction)(CodeSigningConfig|Concurrency)$/, "the same"],
  [/^lambda:PutFunction(Recursion|Scaling)Config$|^lambda:PutRuntimeManagementConfig$/, "the same"],
  [/^lambda:(AssociateRuntimeAlias|GetLayerVersion|PassCapacityProvider|PublishVersion)$/, "the same"],
  [/^logs:\w+(KmsKey|BearerTokenAuthentication|LogGroupDeletionProtection)$/, "the same"],
  [/^logs:((Put|Delete)(DataProtection|Index)Policy|DeleteResourcePolicy)$/, "the same"],
  [/^s3:(Put|Delete|Create|Update)\w*$/, "of a bucket's many properties the template sets those allowed"],
  [/^s3:(REST\.PUT\.OBJECT|getObject|GetObjectVersion|GetObjectMetadata)$/, "no bodies of APIs or imports"],
  [/^secretsmanager:\w+Regions\w*$/, "no replicas"],
];

/** The actions that CloudFormation's role needs, and that no schema names, with the reason. */
const NOT_IN_SCHEMAS: [RegExp, string][] = [
  [/^logs:(\w+LogDelivery|ListLogDeliveries)$/, "the gateway's access log has no resource of its own"],
  [/^acm:DescribeCertificate$/, "the certificate of a domain"],
];

const matches = (exceptions: [RegExp, string][], action: string): boolean =>
  exceptions.some(([pattern]) => pattern.test(action));

/** The actions that the handlers of a resource type may ask for, by AWS's schemas, which cfn-lint brings. */
const handlerActions = (): Map<string, string[]> => {
  const folder = join(
    dirname(CFN_LINT),
    "../lib/python3*/site-packages/cfnlint/data/schemas/resources/*.json",
  );
  return new Map(
    globSync(folder).map((file) => {
      const { typeName, handlers = {} } = JSON.parse(readFileSync(file, "utf8"));
      const all = Object.values<{ permissions?: string[] }>(handlers);
      return [typeName, all.flatMap(({ permissions = [] }) => permissions)];
    }),
  );
};

describe.skipIf(!hasLint)("infra/policies/cloudformation.json", () => {
  const allowed = allowedActions("cloudformation");
  let types: string[];
  let asked: Map<string, string[]>;

  beforeAll(() => {
    const resources = [...stages.values()].flatMap((stage) => Object.values(stage.resources));
    types = [...new Set(resources.map(({ Type }) => Type))];
    asked = handlerActions();
  });

  it("CloudFormation's role may do what the template's types of resources ask for", () => {
    expect(types.filter((type) => !asked.get(type)?.length)).toEqual([]);
    const missing = types
      .flatMap((type) => asked.get(type) ?? [])
      .filter((action) => !allowed.includes(action) && !matches(NOT_NEEDED, action));
    expect(missing).toEqual([]);
  });

  it("CloudFormation's role may do nothing that no type asks for, and its statements name the types", () => {
    const all = new Set(types.flatMap((type) => asked.get(type) ?? []));
    expect(allowed.filter((action) => !all.has(action) && !matches(NOT_IN_SCHEMAS, action))).toEqual([]);
    const names = types.map((type) => type.replaceAll("::", ""));
    const sids = statementsOf("cloudformation").map(({ Sid }) => Sid);
    const isRelated = (sid: string, name: string): boolean => sid.startsWith(name) || name.startsWith(sid);
    expect(sids.filter((sid) => !names.some((name) => isRelated(sid, name)))).toEqual([]);
    expect(names.filter((name) => !sids.some((sid) => isRelated(sid, name)))).toEqual([]);
  });
});
