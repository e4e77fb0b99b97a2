/** The part of the Serverless Framework that the steps use; its own types cover its configuration alone. */
export interface Serverless {
  /** The folder of `serverless.yml`. */
  serviceDir: string;
  processedInput: { commands: string[] };
  /** `serverless.yml` as it was read, its variables resolved. */
  configurationInput: { params: Record<string, Record<string, unknown>> };
  service: {
    service: string;
    provider: {
      stage: string;
      environment: Record<string, string>;
      iam?: { deploymentRole: string };
      /** The template as far as it is compiled, while a stage is packaged. */
      compiledCloudFormationTemplate: { Resources: Record<string, Resource> };
    };
    functions: Record<string, FunctionDefinition>;
    resources: {
      Resources: Record<string, unknown>;
      Outputs: { ApiUrl: { Value: unknown }; [name: string]: unknown };
      /** Additions to resources that the framework makes, by their logical ids. */
      extensions: Record<string, unknown>;
    };
    custom: {
      apiDescription: string;
      metrics: string;
      alarmTopic: string;
      namespace: string;
      domain: { name: string; certificate: string };
      cloudFormationRole: string;
      "serverless-offline": { httpPort: number | string; host?: string };
      esbuild: { outputWorkFolder?: string };
    };
  };
  configSchemaHandler: { defineFunctionProperties(provider: string, schema: object): void };
  /** The plugins, of which the framework's own `info` keeps the outputs of the stack when it has asked for them. */
  pluginManager: { plugins: { gatheredData?: { outputs: { OutputKey: string; OutputValue: string }[] } }[] };
  getProvider(name: "aws"): {
    /** The credentials that the framework's calls are signed with. @throws Error where it finds none */
    getAwsSdkV3CredentialsProvider(): () => Promise<unknown>;
  };
}

/** The options of a command that the steps read. */
export interface Options {
  /** `--param name=value`, once or often. */
  param?: string | string[];
  /** `sls offline --httpPort`, `--host` */
  httpPort?: number | string;
  host?: string;
  /** The event of `sls invoke local`, as `-p` or `-d` gave it. */
  data?: { headers?: Record<string, string>; pathParameters?: { project_id?: string } };
}

/** The writers that the framework gives to a plugin. */
export interface Writers {
  /** Writes at the level `notice`. `levelRoot` is that level of the framework and of all plugins. */
  log: { notice(text: string): void; levelRoot: { disable(): void } };
  /** Writes a line of a command's result to standard output, whatever the level. */
  writeText(line: string): void;
}

/** A resource of the template. */
export interface Resource {
  Properties?: { FunctionName?: unknown; Environment?: { Variables: Record<string, unknown> } };
}

/** A function in `serverless.yml`. */
export interface FunctionDefinition {
  /** Its name on the stage. */
  name: string;
  handler: string;
  /** Logical id of a table, or `Table/index/Name`, to the DynamoDB actions allowed on it. */
  dynamodb?: Record<string, string[]>;
  /** Logical ids of the secrets that the function may read. */
  secrets?: string[];
  role?: string;
  /** Has the framework make no log group for the function. */
  disableLogs?: boolean;
  /** Leaves the function as it is: serverless-esbuild does not bundle it. */
  skipEsbuild?: boolean;
  events: FunctionEvent[];
  environment?: Record<string, string>;
}

/**
 * An event that starts a function: a route of the HTTP API, a stream, a queue, a schedule. A function URL is no event, but
 * the property `url` of a function.
 */
export type FunctionEvent =
  | { httpApi: string }
  | { stream: string | StreamEvent }
  | { sqs: string | { arn: Arn } }
  | { schedule: unknown };

/** A stream as an event. `type` is needed where the ARN is not a text. */
export interface StreamEvent {
  arn: Arn;
  type?: string;
  destinations?: { onFailure: string | { arn: Arn; type?: string } };
}

/** An ARN: a text, or a function of CloudFormation such as `Fn::GetAtt`. */
export type Arn = string | object;

/** The framework's life-cycle events and what a plugin does at them. */
export type Hooks = Record<string, () => void | Promise<void>>;
