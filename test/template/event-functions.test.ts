import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { type Service, startService, stopService } from "../../infra/local/service.ts";
import { routes } from "../../infra/serverless/route-table.ts";
import { stackOf } from "../lambda/stack.ts";
import { copySources } from "../support/checkout.ts";
import { ofType, packagedFrom, type Resources } from "../support/packaged.ts";

/** A part of the service, and functions that a stream, a queue, a schedule and a function URL start. */
let checkout: string;
let template: Resources;
let service: Service;
/** The checkout's `serverless.yml`, and its text. */
let file: string;
let text: string;

/** The service's own functions that are in it: the fewer, the sooner it is packaged. */
const OWN_NAMES = ["showHealth", "fallback"];

const NAMES = ["publishChanges", "postWebhook", "expireDeployments", "receiveUpload"];

const ownRoutes = routes.filter(({ name }) => OWN_NAMES.includes(name));

const run = async (...command: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, command, { cwd: checkout })).stdout;

beforeAll(async () => {
  checkout = await copySources();
  file = join(checkout, "serverless.yml");
  const definition = parse(await readFile(file, "utf8"));
  const more: Record<string, { handler: string }> = parse(
    await readFile(new URL("../fixtures/event-functions.yml", import.meta.url), "utf8"),
  );
  const ownFunctions = OWN_NAMES.map((name) => [name, definition.functions[name]]);
  definition.functions = { ...Object.fromEntries(ownFunctions), ...more };
  text = stringify(definition);
  await writeFile(file, text);
  await mkdir(join(checkout, "functions/events"), { recursive: true });
  for (const { handler } of Object.values(more))
    await writeFile(
      join(checkout, handler.replace(/handler$/, "ts")),
      "export const handler = async (event: unknown) => event;\n",
    );
  template = await packagedFrom(checkout, join(checkout, "package"), "dev");
  service = await startService({ SLS_LOG_LEVEL: "notice" }, undefined, checkout);
});

afterAll(async () => {
  if (service) await stopService(service);
  await rm(checkout, { recursive: true });
});

const lambdaOf = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`;

const arnOf = (name: string) => ({ "Fn::GetAtt": [lambdaOf(name), "Arn"] });

describe("the template of a service whose functions have other events than routes", () => {
  it("maps a stream and a queue to their functions", () => {
    const mappings = ofType(template, "AWS::Lambda::EventSourceMapping").map(
      ([, { Properties }]) => Properties,
    );
    expect(mappings).toEqual([
      expect.objectContaining({
        EventSourceArn: { "Fn::GetAtt": ["SoftwareDeploymentsTable", "StreamArn"] },
        FunctionName: arnOf("publishChanges"),
        DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["FailedChanges", "Arn"] } } },
      }),
      expect.objectContaining({
        EventSourceArn: "arn:aws:sqs:eu-central-1:123456789012:webhooks",
        FunctionName: arnOf("postWebhook"),
      }),
    ]);
  });

  it("has a rule for a schedule, which may call its function", () => {
    const [[id, rule] = []] = ofType(template, "AWS::Events::Rule");
    expect(rule?.Properties).toMatchObject({
      ScheduleExpression: "rate(1 minute)",
      State: "ENABLED",
      Targets: [{ Arn: arnOf("expireDeployments") }],
    });
    const permissions = ofType(template, "AWS::Lambda::Permission").map(([, { Properties }]) => Properties);
    expect(permissions).toContainEqual({
      Action: "lambda:InvokeFunction",
      FunctionName: arnOf("expireDeployments"),
      Principal: "events.amazonaws.com",
      SourceArn: { "Fn::GetAtt": [id, "Arn"] },
    });
  });

  it("has a function URL", () => {
    const urls = ofType(template, "AWS::Lambda::Url").map(([, { Properties }]) => Properties);
    expect(urls).toEqual([{ AuthType: "NONE", TargetFunctionArn: arnOf("receiveUpload") }]);
  });

  const read = (service: string, Resource: unknown, ...actions: string[]) => ({
    Effect: "Allow",
    Action: actions.map((action) => `${service}:${action}`),
    Resource,
  });
  const table = (attribute: string) => ({ "Fn::GetAtt": ["SoftwareDeploymentsTable", attribute] });

  it.each<[string, object[]]>([
    [
      "publishChanges",
      [
        read("dynamodb", table("Arn"), "GetItem"),
        read(
          "dynamodb",
          table("StreamArn"),
          ...["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"],
        ),
        read("sqs", { "Fn::GetAtt": ["FailedChanges", "Arn"] }, "SendMessage"),
      ],
    ],
    [
      "postWebhook",
      [
        read("secretsmanager", { Ref: "LinkKeys" }, "GetSecretValue"),
        read(
          "sqs",
          "arn:aws:sqs:eu-central-1:123456789012:webhooks",
          ...["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"],
        ),
      ],
    ],
    ["expireDeployments", []],
    ["receiveUpload", []],
  ])("gives %s a role with the rights that it needs, and no others", (name, statements) => {
    const role = template[lambdaOf(name)]?.Properties.Role["Fn::GetAtt"][0];
    const [{ PolicyDocument }] = template[role]?.Properties.Policies ?? [];
    const [log, ...others] = PolicyDocument.Statement;
    expect(log.Action).toEqual(["logs:CreateLogStream", "logs:PutLogEvents"]);
    expect(others).toEqual(statements);
    expect(template[role]?.Properties.ManagedPolicyArns).toBeUndefined();
  });

  it("has the routes of the HTTP API alone, also in the variable ROUTES", () => {
    expect(ofType(template, "AWS::ApiGatewayV2::Route")).toHaveLength(ownRoutes.length);
    const { ROUTES } = template.FallbackLambdaFunction?.Properties.Environment.Variables ?? {};
    expect(ROUTES).toBe("GET,HEAD /health");
  });

  it("is read by test:lambda, without the permissions that Lambda uses itself", () => {
    const made = (name: string) => ({ ref: name, arn: `arn:${name}` });
    const ids = ["SoftwareDeploymentsTable", "SoftwareConfigsTable", "LinkKeys", "FailedChanges"];
    const stack = stackOf(template, Object.fromEntries(ids.map((id) => [id, made(id)])));
    expect(stack.functions.map(({ name }) => name)).toEqual([...OWN_NAMES, ...NAMES]);
    expect(stack.routes).toHaveLength(ownRoutes.length);
    const added = stack.functions.filter(({ name }) => NAMES.includes(name));
    expect(added.map(({ permissions }) => permissions)).toEqual([
      [
        { action: "dynamodb:GetItem", resource: "arn:SoftwareDeploymentsTable" },
        { action: "sqs:SendMessage", resource: "arn:FailedChanges" },
      ],
      [{ action: "secretsmanager:GetSecretValue", resource: "LinkKeys" }],
      [],
      [],
    ]);
  });
});

describe("functions that have other events than routes", () => {
  it("are in the list of functions, and not in the route table", async () => {
    const script = `
      const { functionSources, routes } = await import("./infra/serverless/route-table.ts");
      console.log(JSON.stringify({ functionSources, routes }));`;
    const table = JSON.parse(await run("--input-type=module", "--eval", script));
    expect(table.routes).toEqual(ownRoutes);
    expect(table.functionSources.map(({ name }: { name: string }) => name)).toEqual([...OWN_NAMES, ...NAMES]);
  });

  it("are bundled, and measured by npm run build", async () => {
    const script = `
      const { sources } = await import("./infra/serverless/bundle.ts");
      console.log(JSON.stringify(Object.keys(sources)));`;
    const measured = JSON.parse(await run("--input-type=module", "--eval", script));
    expect(measured).toEqual([...OWN_NAMES, ...NAMES]);
    expect(await readdir(join(checkout, "package"))).toEqual(
      expect.arrayContaining(NAMES.map((name) => `${name}.zip`)),
    );
  });

  it("are started by nothing in the local service, which serves the API", async () => {
    expect((await fetch(`${service.url}/health`)).status).toBe(200);
    expect((await fetch(`${service.url}/functions/events/publish`)).status).toBe(404);
    expect(service.output()).toContain("Server ready");
    expect(service.output()).not.toContain("Scheduling");
  });

  it("may read no stream but DynamoDB's, for which a role has rights", async () => {
    const arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/changes";
    await writeFile(
      file,
      text.replace("sqs: arn:aws:sqs:eu-central-1:123456789012:webhooks", `stream: ${arn}`),
    );
    await expect(packagedFrom(checkout, join(checkout, "refused"), "dev")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`"${arn}": a stream of DynamoDB is expected`),
    });
  });
});
