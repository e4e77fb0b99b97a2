import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { packaged, type Resources, templateIn } from "../support/packaged.ts";
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

describe("infra/README.md", () => {
  it("infra/README.md says for each resource type what CloudFormation's role needs", () => {
    const readme = readFileSync(new URL("../../infra/README.md", import.meta.url), "utf8");
    const listed = readme.matchAll(/^\| (`AWS::[^|]*) \|/gm);
    const types = new Set([...listed].flatMap(([, cell = ""]) => cell.match(/[\w:]+/g)));
    for (const { resources } of stages.values())
      for (const [id, { Type }] of Object.entries(resources)) expect(types, id).toContain(Type);
  });
});
