/** What the plugins here use of the Serverless Framework, whose own types cover its configuration alone. */
export interface Serverless {
  /** The framework's error: shown without a stack. */
  classes: { Error: new (message: string) => Error };
  processedInput: { commands: string[] };
  service: {
    service: string;
    provider: { stage: string; environment: Record<string, string> };
    functions: Record<string, FunctionDefinition>;
    resources: { Resources: Record<string, unknown> };
    custom: { "serverless-offline": { httpPort: number | string } };
  };
  configSchemaHandler: { defineFunctionProperties(provider: string, schema: object): void };
  getProvider(name: "aws"): { naming: { getLogGroupLogicalId(functionName: string): string } };
}

/** A function in `serverless.yml`. */
export interface FunctionDefinition {
  handler: string;
  /** Logical id of a table, or `Table/index/Name`, to the DynamoDB actions allowed on it. */
  dynamodb?: Record<string, string[]>;
  role?: string;
  /** Leaves the function as it is: serverless-esbuild does not bundle it. */
  skipEsbuild?: boolean;
  events: { httpApi: string }[];
  environment?: Record<string, string>;
}

/** The framework's life-cycle events and what a plugin does at them. */
export type Hooks = Record<string, () => void | Promise<void>>;
