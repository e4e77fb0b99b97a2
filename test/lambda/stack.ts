import type { GatewayRoute } from "../support/gateway.ts";
import { ofType, type Resource, type Resources } from "../support/packaged.ts";

/** An action that a role allows, such as `dynamodb:GetItem`, and the ARN of what it is allowed on. */
export interface Permission {
  action: string;
  resource: string;
}

/** A function as it is deployed. */
export interface StackFunction {
  /** Its name in `serverless.yml`, and that of its zip. */
  name: string;
  /** Its name on the stage. */
  functionName: string;
  handler: string;
  /** MB */
  memorySize: number;
  /** Seconds */
  timeout: number;
  environment: Record<string, string>;
  /** The name of its role. */
  role: string;
  /** Its role's permissions, but for those that Lambda uses itself: writing its log, reading its streams and queues. */
  permissions: Permission[];
}

/** The functions and routes that CloudFormation makes of a template. */
export interface Stack {
  functions: StackFunction[];
  /** Each by the name of its function. */
  routes: GatewayRoute[];
}

/** A resource that is there: its `Ref` and its ARN. */
interface Made {
  ref: string;
  arn: string;
}

/**
 * Reads functions and routes of a template.
 * @param made the resources that something in them refers to, by their logical ids
 * @throws Error that names what it cannot resolve
 */
export const stackOf = (resources: Resources, made: Record<string, Made>): Stack => {
  const functions = ofType(resources, "AWS::Lambda::Function");
  return {
    functions: functions.map(([, resource]) => functionOf(resource, resources, made)),
    routes: ofType(resources, "AWS::ApiGatewayV2::Route").map(([, { Properties }]) => {
      const integration = resources[Properties.Target["Fn::Join"][1][1].Ref];
      const target = resources[integration?.Properties.IntegrationUri["Fn::GetAtt"][0]];
      const [method = "", path = ""] = Properties.RouteKey.replace("$default", "*").split(" ");
      return { name: nameOf(target), method, path };
    }),
  };
};

const functionOf = (resource: Resource, resources: Resources, made: Record<string, Made>): StackFunction => {
  const { FunctionName, Handler, MemorySize, Timeout, Environment, Role } = resource.Properties;
  const role = Role["Fn::GetAtt"][0];
  const variables = Object.entries(Environment.Variables);
  return {
    name: nameOf(resource),
    functionName: FunctionName,
    handler: Handler,
    memorySize: MemorySize,
    timeout: Timeout,
    environment: Object.fromEntries(variables.map(([name, value]) => [name, resolved(value, made)])),
    role,
    permissions: permissionsOf(resources[role], made),
  };
};

/** A function's name in `serverless.yml`, which its zip has. */
const nameOf = (resource: Resource | undefined): string =>
  /([^/]+)\.zip$/.exec(resource?.Properties.Code.S3Key)?.[1] ?? "";

/** The actions that Lambda takes itself, with a function's role. */
const LAMBDAS_OWN =
  /^(logs:|dynamodb:(GetRecords|GetShardIterator|DescribeStream|ListStreams)$|sqs:(?!SendMessage))/;

const permissionsOf = (role: Resource | undefined, made: Record<string, Made>): Permission[] =>
  role?.Properties.Policies.flatMap(({ PolicyDocument }: any) =>
    PolicyDocument.Statement.flatMap(({ Action, Resource }: any) =>
      Action.filter((action: string) => !LAMBDAS_OWN.test(action)).map((action: string) => ({
        action,
        resource: resolved(Resource, made),
      })),
    ),
  );

/** A value of the template: a text, or one of the functions that the template uses. */
const resolved = (value: any, made: Record<string, Made>): string => {
  if (typeof value === "string") return value;
  const { Ref, "Fn::GetAtt": attribute, "Fn::Join": join } = value;
  if (join) return join[1].map((part: unknown) => resolved(part, made)).join(join[0]);
  const text = Ref ? made[Ref]?.ref : attribute?.[1] === "Arn" && made[attribute[0]]?.arn;
  if (!text) throw new Error(`Not to be resolved: ${JSON.stringify(value)}`);
  return text;
};
