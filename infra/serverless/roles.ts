import type { FunctionDefinition, Hooks, Serverless } from "./framework.ts";

interface Statement {
  Effect: "Allow";
  Action: string[];
  Resource: unknown;
}

const tableArn = (target: string): unknown => {
  const [table, ...index] = target.split("/");
  const arn = { "Fn::GetAtt": [table, "Arn"] };
  return index.length === 0 ? arn : { "Fn::Join": ["/", [arn, ...index]] };
};

const dynamodbStatements = (permissions: Record<string, string[]> = {}): Statement[] =>
  Object.entries(permissions)
    .filter(([, actions]) => actions.length > 0)
    .map(([target, actions]) => ({
      Effect: "Allow",
      Action: actions.map((action) => `dynamodb:${action}`),
      Resource: tableArn(target),
    }));

const secretStatements = (secrets: string[] = []): Statement[] =>
  secrets.map((secret) => ({
    Effect: "Allow",
    Action: ["secretsmanager:GetSecretValue"],
    Resource: { Ref: secret },
  }));

const roleOf = (logGroup: string, { dynamodb, secrets }: FunctionDefinition): object => ({
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
            {
              Effect: "Allow",
              Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
              Resource: { "Fn::GetAtt": [logGroup, "Arn"] },
            },
            ...dynamodbStatements(dynamodb),
            ...secretStatements(secrets),
          ],
        },
      },
    ],
  },
});

/**
 * Serverless plugin: gives every function a role of its own that allows the DynamoDB actions its `dynamodb` key
 * in `serverless.yml` names, on the tables it names, reading the secrets that its `secrets` key names, and writing its
 * own log. Nothing else.
 */
export default class Roles {
  readonly hooks: Hooks = { "before:package:setupProviderConfiguration": () => this.#attach() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    serverless.configSchemaHandler.defineFunctionProperties("aws", {
      type: "object",
      properties: {
        dynamodb: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
        secrets: { type: "array", items: { type: "string" } },
      },
    });
  }

  #attach(): void {
    const { service } = this.#serverless;
    const { naming } = this.#serverless.getProvider("aws");
    for (const [name, definition] of Object.entries(service.functions)) {
      definition.role = `${name[0]?.toUpperCase()}${name.slice(1)}Role`;
      service.resources.Resources[definition.role] = roleOf(naming.getLogGroupLogicalId(name), definition);
    }
  }
}
