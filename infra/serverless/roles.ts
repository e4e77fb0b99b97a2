import { exitWithError } from "../exit-with-error.ts";
import type { Arn, FunctionDefinition, FunctionEvent, Serverless, StreamEvent } from "./framework.ts";

interface Statement {
  Effect: "Allow";
  Action: string[];
  Resource: unknown;
}

/** The log group of all functions of a stage: `infra/stack/logs.yml`. */
const LOG_GROUP = "FunctionsLogGroup";

/** The actions by which Lambda reads a source in a function's name: with the function's role. */
const READS = {
  dynamodb: ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"],
  sqs: ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"],
};

/** Tells the framework of the properties `dynamodb` and `secrets` of a function, which `addRoles` reads. */
export function defineRoleProperties({ configSchemaHandler }: Serverless): void {
  configSchemaHandler.defineFunctionProperties("aws", {
    type: "object",
    properties: {
      dynamodb: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
      secrets: { type: "array", items: { type: "string" } },
    },
  });
}

/**
 * Gives every function a role of its own. It allows the DynamoDB actions of the function's property `dynamodb`, reading
 * the secrets of `secrets`, writing into the stage's log group, and reading the streams and queues among its events, for
 * which the framework gives no rights to a role that it has not made. Nothing else.
 */
export function addRoles({ service }: Serverless): void {
  for (const [name, definition] of Object.entries(service.functions)) {
    definition.role = `${name[0]?.toUpperCase()}${name.slice(1)}Role`;
    // Else the framework makes a log group for each function.
    definition.disableLogs = true;
    service.resources.Resources[definition.role] = roleOf(definition);
  }
}

function roleOf({ dynamodb, secrets, events }: FunctionDefinition): object {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
        ],
      },
      Policies: [
        {
          PolicyName: "its-own-work",
          PolicyDocument: {
            Version: "2012-10-17",
            Statement: [
              allow({ "Fn::GetAtt": [LOG_GROUP, "Arn"] }, "logs", ["CreateLogStream", "PutLogEvents"]),
              ...dynamodbStatements(dynamodb),
              ...secretStatements(secrets),
              ...events.flatMap(eventStatements),
            ],
          },
        },
      ],
    },
  };
}

function allow(Resource: unknown, service: string, actions: string[]): Statement {
  return { Effect: "Allow", Action: actions.map((action) => `${service}:${action}`), Resource };
}

function dynamodbStatements(permissions: Record<string, string[]> = {}): Statement[] {
  return Object.entries(permissions)
    .filter(([, actions]) => actions.length > 0)
    .map(([target, actions]) => allow(tableArn(target), "dynamodb", actions));
}

function tableArn(target: string): unknown {
  const [table, ...index] = target.split("/");
  const arn = { "Fn::GetAtt": [table, "Arn"] };
  return index.length === 0 ? arn : { "Fn::Join": ["/", [arn, ...index]] };
}

function secretStatements(secrets: string[] = []): Statement[] {
  return secrets.map((secret) => allow({ Ref: secret }, "secretsmanager", ["GetSecretValue"]));
}

/** The rights that an event takes; routes and schedules take none, as API Gateway and EventBridge only call. */
function eventStatements(event: FunctionEvent): Statement[] {
  if ("sqs" in event) return [allow(arnOf(event.sqs), "sqs", READS.sqs)];
  return "stream" in event ? streamStatements(event.stream) : [];
}

function streamStatements(stream: string | StreamEvent): Statement[] {
  if (serviceOf(stream) !== "dynamodb")
    exitWithError(`${JSON.stringify(stream)}: a stream of DynamoDB is expected; roles.ts knows no other.`);
  const onFailure = typeof stream === "string" ? undefined : stream.destinations?.onFailure;
  return [
    allow(arnOf(stream), "dynamodb", READS.dynamodb),
    ...(onFailure ? [failureStatement(onFailure)] : []),
  ];
}

/** The right to put what a function has not managed into a queue, or a topic. */
function failureStatement(destination: string | { arn: Arn; type?: string }): Statement {
  return serviceOf(destination) === "sns"
    ? allow(arnOf(destination), "sns", ["Publish"])
    : allow(arnOf(destination), "sqs", ["SendMessage"]);
}

function arnOf(source: string | { arn: Arn }): Arn {
  return typeof source === "string" ? source : source.arn;
}

/** The AWS service of a source: its `type`, or that of an ARN that is a text. */
function serviceOf(source: string | { arn: Arn; type?: string }): string | undefined {
  const arn = arnOf(source);
  if (typeof source !== "string" && source.type) return source.type;
  return typeof arn === "string" ? arn.split(":")[2] : undefined;
}
