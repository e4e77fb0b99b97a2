/** What the plugins here use of the Serverless Framework, whose own types cover its configuration alone. */
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
      /** What has been compiled of the template, while a stage is packaged. */
      compiledCloudFormationTemplate: { Resources: Record<string, Resource> };
    };
    functions: Record<string, FunctionDefinition>;
    resources: {
      Resources: Record<string, unknown>;
      Outputs: Record<string, unknown>;
      /** What is added to resources that the framework makes, by their logical ids. */
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
  getProvider(name: "aws"): {
    naming: { getLogGroupLogicalId(functionName: string): string; getHttpApiLogGroupLogicalId(): string };
  };
}

/** The options of a command, as far as the plugins here look at them. */
export interface Options {
  /** `--param name=value`, once or often. */
  param?: string | string[];
  /** `sls offline --httpPort`, `--host` */
  httpPort?: number | string;
  host?: string;
  /** The event of `sls invoke local`, as `-p` or `-d` gave it. */
  data?: { headers?: Record<string, string>; pathParameters?: { project_id?: string } };
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
  /** Leaves the function as it is: serverless-esbuild does not bundle it. */
  skipEsbuild?: boolean;
  events: { httpApi: string }[];
  environment?: Record<string, string>;
}

/** The framework's life-cycle events and what a plugin does at them. */
export type Hooks = Record<string, () => void | Promise<void>>;
