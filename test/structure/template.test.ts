import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { setApiUrl } from "../../infra/serverless/api-url.ts";
import type { Serverless, Writers } from "../../infra/serverless/framework.ts";
import { checkTemplate } from "../../infra/serverless/limits.ts";
import { functionNames, routes } from "../../infra/serverless/route-table.ts";
import { FUNCTION_TIMEOUT } from "../../lib/times.ts";
import { ofType, packaged, type Resources, templateIn } from "../support/packaged.ts";

const TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms";
const CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/5f1a";

let prod: Resources;
let prodFolder: string;
/** A stage for trying out, with a domain of its own and a topic for alarms; without metrics and the API's description. */
let dev: Resources;
let devFolder: string;

beforeAll(async () => {
  prodFolder = await mkdtemp(join(tmpdir(), "package-"));
  prod = await packaged(prodFolder, "prod", "tokenIssuer=https://issuer.example", "tokenAudience=a");
  devFolder = await mkdtemp(join(tmpdir(), "package-"));
  dev = await packaged(
    devFolder,
    "dev",
    "apiDescription=off",
    "metrics=off",
    `alarmTopic=${TOPIC}`,
    "domainName=api.example",
    `certificateArn=${CERTIFICATE}`,
  );
});

afterAll(async () => {
  for (const folder of [prodFolder, devFolder]) await rm(folder, { recursive: true });
});

const outputsIn = async (folder: string): Promise<Record<string, any>> =>
  JSON.parse(await readFile(templateIn(folder), "utf8")).Outputs;

describe("the template", () => {
  it("the template has the routes of the route table, behind one HTTP API, throttled", () => {
    const keys = ofType(prod, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties.RouteKey);
    const expected = routes.map(({ method, path }) => (method === "*" ? "$default" : `${method} ${path}`));
    expect(keys.sort()).toEqual(expected.sort());
    expect(ofType(prod, "AWS::ApiGatewayV2::Api")).toHaveLength(1);
    const [[, stage] = []] = ofType(prod, "AWS::ApiGatewayV2::Stage");
    expect(stage?.Properties.DefaultRouteSettings).toEqual({
      ThrottlingRateLimit: 100,
      ThrottlingBurstLimit: 10,
    });
  });

  it("functions run on Node 24 and ARM, and no longer than a write may be old and API Gateway waits", () => {
    const functions = ofType(prod, "AWS::Lambda::Function");
    expect(functions).toHaveLength(functionNames.length);
    expect(FUNCTION_TIMEOUT).toBeLessThan(30);
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"], MemorySize: 512 });
      expect(Properties.Timeout).toBe(FUNCTION_TIMEOUT);
      expect(Properties.Environment.Variables).toMatchObject({
        SOFTWARE_DEPLOYMENTS_TABLE: { Ref: "SoftwareDeploymentsTable" },
        LINK_KEYS: { Ref: "LinkKeys" },
        TOKEN_ISSUER: "https://issuer.example",
      });
    }
  });

  it("the stack generates the key of links, and no function's environment holds it", () => {
    const [[, secret] = []] = ofType(prod, "AWS::SecretsManager::Secret");
    expect(secret?.Properties.GenerateSecretString.PasswordLength).toBe(64);
    expect(JSON.stringify(prod)).not.toContain("resolve:secretsmanager");
  });

  it("retained resources have no fixed names, so that a failed deployment can be repeated", () => {
    const kept = Object.entries(prod).filter(([, { DeletionPolicy }]) => DeletionPolicy === "Retain");
    expect(kept.map(([name]) => name).sort()).toEqual([
      "LinkKeys",
      "SoftwareConfigsTable",
      "SoftwareDeploymentsTable",
    ]);
    for (const [name, { Properties }] of kept) {
      const named = Object.keys(Properties).filter((key) => /^(?:\w+)?Name$/.test(key));
      expect(named, `of ${name}`).toEqual([]);
    }
  });

  it("with domainName the API has that domain, and no other address", () => {
    const [[, domain] = []] = ofType(dev, "AWS::ApiGatewayV2::DomainName");
    expect(domain?.Properties).toMatchObject({
      DomainName: "api.example",
      DomainNameConfigurations: [{ CertificateArn: CERTIFICATE, EndpointType: "REGIONAL" }],
    });
    expect(dev.HttpApi?.Properties.DisableExecuteApiEndpoint).toBe(true);
    expect(ofType(prod, "AWS::ApiGatewayV2::DomainName")).toEqual([]);
    expect(prod.HttpApi?.Properties.DisableExecuteApiEndpoint).toBeUndefined();
  });

  it("the output ApiUrl is API Gateway's address, and with domainName the domain, as is the framework's own", async () => {
    const { ApiUrl, HttpApiUrl } = await outputsIn(prodFolder);
    expect(ApiUrl.Value["Fn::Sub"]).toBe("https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}");
    expect(HttpApiUrl.Value["Fn::Join"][1]).toContainEqual({ Ref: "HttpApi" });
    const outputs = await outputsIn(devFolder);
    expect(outputs.ApiUrl.Value).toBe("https://api.example");
    expect(outputs.HttpApiUrl.Value).toBe("https://api.example");
  });

  it.each([
    ["publicUrl", "", "https://proxy.example/api/", "https://proxy.example/api"],
    ["domainName before publicUrl", "api.example", "https://proxy.example", "https://api.example"],
  ])("the output ApiUrl is %s", (_, name, PUBLIC_URL, url) => {
    const resources = { Outputs: { ApiUrl: { Value: "API Gateway's" } } };
    const service: any = {
      custom: { domain: { name } },
      provider: { environment: { PUBLIC_URL } },
      resources,
    };
    setApiUrl({ service } as Serverless);
    expect(resources.Outputs.ApiUrl.Value).toBe(url);
  });

  it("results of agents have a throttle of their own, far above the others' and below the account's", () => {
    const [[, stage] = []] = ofType(prod, "AWS::ApiGatewayV2::Stage");
    for (const route of ["PUT /agent/signal", "POST /agent/signal"]) {
      const { ThrottlingRateLimit, ThrottlingBurstLimit } = stage?.Properties.RouteSettings[route] ?? {};
      expect([ThrottlingRateLimit, ThrottlingBurstLimit]).toEqual([5_000, 2_500]);
    }
  });

  it("a template near CloudFormation's limits is refused, and every package tells how large it is", () => {
    const told: string[] = [];
    const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    vi.spyOn(process.stderr, "write").mockImplementation((text) => told.push(String(text)) > 0);
    const check = (count: number, text = "") => {
      const Resources = Object.fromEntries(Array.from({ length: count }, (_, i) => [`R${i}`, {}]));
      const compiledCloudFormationTemplate = { Resources, Description: text };
      const service = { provider: { compiledCloudFormationTemplate } };
      const log = { notice: (line: string) => told.push(line) };
      checkTemplate({ service } as unknown as Serverless, { log } as unknown as Writers);
    };
    check(450);
    expect(told.splice(0)).toEqual(["The template has 450 of 450 resources, 5 of 900 kB"]);
    for (const args of [[451], [1, "x".repeat(900_000)]] as [number, string?][]) {
      expect(() => check(...args)).toThrow("exit 1");
      expect(told.splice(0).join()).toMatch(
        /^The template is too large: \d+ of 450 resources, \d+ of 900 kB\.\n$/,
      );
    }
    expect(exit).toHaveBeenCalledTimes(2);
    vi.restoreAllMocks();
  });

  it("every log has a retention", () => {
    const groups = ofType(prod, "AWS::Logs::LogGroup");
    expect(groups.map(([, { Properties }]) => Properties)).toEqual([
      { LogGroupName: "/aws/vendedlogs/http-api/software-deployments-prod", RetentionInDays: 365 },
      { LogGroupName: "/aws/lambda/software-deployments-prod", RetentionInDays: 365 },
    ]);
    for (const [, { Properties }] of ofType(prod, "AWS::Lambda::Function"))
      expect(Properties.LoggingConfig).toEqual({ LogGroup: "/aws/lambda/software-deployments-prod" });
  });

  it("API Gateway logs each request as JSON, with the id that the answer carries", () => {
    const [[, stage] = []] = ofType(prod, "AWS::ApiGatewayV2::Stage");
    const { DestinationArn, Format } = stage?.Properties.AccessLogSettings ?? {};
    expect(DestinationArn).toEqual({ "Fn::GetAtt": ["HttpApiLogGroup", "Arn"] });
    expect(JSON.parse(Format)).toEqual({
      gateway_request_id: "$context.requestId",
      request_id: "req-$context.integration.requestId",
      route: "$context.routeKey",
      status: "$context.status",
      integration_error: "$context.integrationErrorMessage",
      latency_ms: "$context.responseLatency",
    });
  });

  it("the deployment bucket is not public, and keeps deleted versions for 30 days", () => {
    const [[, bucket] = []] = ofType(prod, "AWS::S3::Bucket");
    expect(new Set(Object.values(bucket?.Properties.PublicAccessBlockConfiguration))).toEqual(
      new Set([true]),
    );
    expect(bucket?.Properties).toMatchObject({
      VersioningConfiguration: { Status: "Enabled" },
      LifecycleConfiguration: { Rules: [{ NoncurrentVersionExpiration: { NoncurrentDays: 30 } }] },
    });
  });

  it("functions have no versions, which nothing would call", () => {
    expect(ofType(prod, "AWS::Lambda::Version")).toEqual([]);
  });

  it("tables are on demand, encrypted and recoverable; retained and protected on prod", () => {
    const tables = ofType(prod, "AWS::DynamoDB::Table");
    expect(tables.map(([name]) => name)).toEqual(["SoftwareDeploymentsTable", "SoftwareConfigsTable"]);
    for (const [, table] of tables) {
      expect(table).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
      expect(table.Properties).toMatchObject({
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [
          { AttributeName: "project_id", KeyType: "HASH" },
          { AttributeName: "id", KeyType: "RANGE" },
        ],
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      });
    }
  });

  it("the function of /docs is packed with all parts of the page", async () => {
    const archive = await readFile(join(prodFolder, "showApiPage.zip"));
    const parts = ["functions/service/page/page.html", "page.css", "page.js", "swagger-ui.css"];
    for (const part of [...parts, "node_modules/swagger-ui-dist/swagger-ui-bundle.js"])
      expect(archive.includes(part), part).toBe(true);
  });

  it("with apiDescription: off the stage has no /openapi.json and /docs", () => {
    const keys = ofType(dev, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties.RouteKey);
    const described = routes.filter(({ file }) => /\/(openapi|docs)$/.test(file));
    expect(keys).toHaveLength(routes.length - described.length);
    expect(keys.filter((key) => /openapi|docs/.test(key))).toEqual([]);
    const { Variables } = dev.FallbackLambdaFunction?.Properties.Environment ?? {};
    expect(Variables.ROUTES).not.toContain("/docs");
    expect(Variables.ROUTES).toContain("GET,HEAD /health;");
  });

  it("the stage has alarms and a dashboard, without metrics those that need none, and alarms tell alarmTopic", () => {
    const alarms = ofType(prod, "AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThan(0);
    for (const [, { Properties }] of alarms) expect(Properties.AlarmActions).toBeUndefined();
    expect(ofType(prod, "AWS::CloudWatch::Dashboard")).toHaveLength(1);
    const { Variables } = prod.ShowHealthLambdaFunction?.Properties.Environment ?? {};
    expect(Variables.METRICS_NAMESPACE).toBe("software-deployments-prod");
    expect(Variables.METRICS_NAMESPACE).toBe(prod.StartsFailAlarm?.Properties.Namespace);
    const left = ofType(dev, "AWS::CloudWatch::Alarm");
    expect(left.map(([name]) => name)).toEqual([
      "ApiFailsAlarm",
      "DeploymentsTableThrottledAlarm",
      "ConfigsTableThrottledAlarm",
    ]);
    for (const [, { Properties }] of left)
      expect(Properties).toMatchObject({ AlarmActions: [TOPIC], OKActions: [TOPIC] });
    expect(ofType(dev, "AWS::CloudWatch::Dashboard")).toEqual([]);
    expect(dev.ShowHealthLambdaFunction?.Properties.Environment.Variables.METRICS_NAMESPACE).toBe("");
  });

  it.each(["prod", "dev"])("the saved queries on %s cover all of the stage's logs", (stage) => {
    const resources = stage === "prod" ? prod : dev;
    const groups = ofType(resources, "AWS::Logs::LogGroup").map(([Ref]) => ({ Ref }));
    const queries = ofType(resources, "AWS::Logs::QueryDefinition");
    expect(queries).toHaveLength(3);
    for (const [, { Properties }] of queries) {
      expect(new Set(Properties.LogGroupNames)).toEqual(new Set(groups));
      expect(Properties.Name).toMatch(new RegExp(`^software-deployments-${stage}/`));
    }
  });

  it("a stage other than prod can be deleted whole", () => {
    for (const [, table] of ofType(dev, "AWS::DynamoDB::Table")) {
      expect(table.DeletionPolicy).toBe("Delete");
      expect(table.Properties.DeletionProtectionEnabled).toBe(false);
    }
  });
});

describe("table of deployments", () => {
  it("the index by server has room for more attributes: DynamoDB takes 20", () => {
    const [byServer] = prod.SoftwareDeploymentsTable?.Properties.GlobalSecondaryIndexes ?? [];
    expect(byServer.IndexName).toBe("by_server");
    expect(byServer.Projection.NonKeyAttributes.length).toBeLessThanOrEqual(16);
  });

  it("the table of deployments has a time to live", () => {
    const table = prod.SoftwareDeploymentsTable?.Properties;
    expect(table?.TimeToLiveSpecification).toEqual({ AttributeName: "expires", Enabled: true });
  });
});

describe("roles of functions", () => {
  const table = (name: string) => ({ "Fn::GetAtt": [name, "Arn"] });
  const index = (name: string) => ({ "Fn::Join": ["/", [table("SoftwareDeploymentsTable"), "index", name]] });
  const allow = (Resource: object, ...actions: string[]) => ({
    Action: actions.map((action) => `dynamodb:${action}`),
    Resource,
  });
  const deployments = table("SoftwareDeploymentsTable");
  const configs = table("SoftwareConfigsTable");

  const ALLOWED: Record<string, object[]> = {
    createSoftwareDeployment: [
      allow(deployments, "PutItem", "GetItem", "BatchGetItem"),
      allow(configs, "BatchGetItem"),
    ],
    listSoftwareDeployments: [
      allow(deployments, "Query", "BatchGetItem"),
      allow(index("by_server"), "Query"),
      allow(index("by_config"), "Query"),
    ],
    showSoftwareDeployment: [allow(deployments, "GetItem")],
    updateSoftwareDeployment: [allow(deployments, "UpdateItem", "GetItem"), allow(configs, "BatchGetItem")],
    patchSoftwareDeployment: [allow(deployments, "GetItem", "UpdateItem"), allow(configs, "BatchGetItem")],
    removeSoftwareDeployment: [allow(deployments, "GetItem", "UpdateItem", "DeleteItem", "PutItem")],
    rerunSoftwareDeployment: [allow(deployments, "UpdateItem", "GetItem"), allow(configs, "BatchGetItem")],
    rerunManyDeployments: [allow(deployments, "UpdateItem", "GetItem"), allow(configs, "BatchGetItem")],
    cancelSoftwareDeployment: [allow(deployments, "UpdateItem", "GetItem")],
    cancelManyDeployments: [allow(deployments, "UpdateItem", "GetItem")],
    signalSoftwareDeployment: [allow(deployments, "GetItem", "UpdateItem"), allow(configs, "BatchGetItem")],
    listSoftwareDeploymentEvents: [allow(deployments, "GetItem")],
    createServerLink: [],
    revokeServerLinks: [allow(deployments, "UpdateItem")],
    collectServerMetadata: [
      allow(deployments, "BatchGetItem", "UpdateItem"),
      allow(index("by_server"), "Query"),
      allow(configs, "BatchGetItem"),
    ],
    signalByLink: [allow(deployments, "BatchGetItem", "UpdateItem"), allow(configs, "BatchGetItem")],
    showServerMetadata: [
      allow(deployments, "BatchGetItem", "UpdateItem"),
      allow(index("by_server"), "Query"),
      allow(configs, "BatchGetItem"),
    ],
    createSoftwareConfig: [allow(configs, "PutItem")],
    listSoftwareConfigs: [allow(configs, "Query")],
    showSoftwareConfig: [allow(configs, "GetItem")],
    removeSoftwareConfig: [
      allow(configs, "DeleteItem", "GetItem"),
      allow(deployments, "BatchGetItem"),
      allow(index("by_config"), "Query"),
    ],
    validateTemplate: [],
    listStacks: [],
    listVersions: [],
    showHealth: [],
    checkHealth: [],
    showBuildInfo: [],
    listServices: [],
    showApiDescription: [],
    showApiPage: [],
    fallback: [],
  };

  it("there is one role for each function, and no other", () => {
    expect(ofType(prod, "AWS::IAM::Role")).toHaveLength(functionNames.length);
    expect(Object.keys(ALLOWED).sort()).toEqual([...functionNames].sort());
  });

  /** The functions that sign or verify links. */
  const READS_LINK_KEYS = ["createServerLink", "collectServerMetadata", "signalByLink", "showServerMetadata"];
  const readsLinkKeys = { Action: ["secretsmanager:GetSecretValue"], Resource: { Ref: "LinkKeys" } };

  it.each(functionNames)(
    "the role of %s allows its calls, its secrets and writing the log, no more",
    (name) => {
      const logicalId = `${name[0]?.toUpperCase()}${name.slice(1)}`;
      const role = prod[`${logicalId}LambdaFunction`]?.Properties.Role["Fn::GetAtt"][0];
      const { Policies, ManagedPolicyArns } = prod[role]?.Properties ?? {};
      expect(ManagedPolicyArns).toBeUndefined();
      expect(Policies.map((policy: any) => policy.PolicyDocument.Statement)).toEqual([
        [
          {
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: { "Fn::GetAtt": ["FunctionsLogGroup", "Arn"] },
          },
          ...(ALLOWED[name] ?? []).map((statement) => ({ Effect: "Allow", ...statement })),
          ...(READS_LINK_KEYS.includes(name) ? [{ Effect: "Allow", ...readsLinkKeys }] : []),
        ],
      ]);
    },
  );
});
