import { exitWithError } from "../exit-with-error.ts";
import type { Serverless, Writers } from "./framework.ts";

/** Lambda's bounds: of a function's name in characters, and of its environment in bytes. */
const MAX_NAME = 64;
const MAX_ENVIRONMENT = 4_096;

/**
 * The bounds of a template in resources and bytes. CloudFormation takes 500 and a million: a package is refused before a
 * change that is needed at once no longer fits.
 */
const MAX_RESOURCES = 450;
const MAX_TEMPLATE = 900_000;

/** The longest value of a reference once it is deployed: a table's name or a secret's ARN. */
const RESOLVED_REFERENCE = "x".repeat(128);

/** Refuses a stage whose name makes its functions' names too long: Lambda would, in the middle of a deployment. */
export function checkFunctionNames({ service: { functions, provider } }: Serverless): void {
  const names = Object.values(functions).map(({ name }) => name);
  const excess = Math.max(...names.map(({ length }) => length)) - MAX_NAME;
  if (excess <= 0) return;
  exitWithError(
    `--stage ${provider.stage}: at most ${provider.stage.length - excess} characters are expected, ` +
      `as Lambda takes ${MAX_NAME} for a function's name.`,
  );
}

/** Refuses a function's environment that is too large: Lambda would, in the middle of a deployment. */
export function checkEnvironments(serverless: Serverless): void {
  const { Resources } = serverless.service.provider.compiledCloudFormationTemplate;
  for (const { Properties } of Object.values(Resources)) {
    const variables = Object.entries(Properties?.Environment?.Variables ?? {}).map(
      ([name, value]): [string, string] => [name, typeof value === "string" ? value : RESOLVED_REFERENCE],
    );
    const bytes = sizeOf(variables);
    if (bytes > MAX_ENVIRONMENT) refuseEnvironment(serverless, Properties?.FunctionName, bytes, variables);
  }
}

/** Tells how large the whole template is, and refuses one that is close to CloudFormation's limits. */
export function checkTemplate({ service }: Serverless, { log }: Writers): void {
  const template = service.provider.compiledCloudFormationTemplate;
  const resources = Object.keys(template.Resources).length;
  const bytes = Buffer.byteLength(JSON.stringify(template));
  const kilobytes = Math.ceil(bytes / 1_000);
  const size = `${resources} of ${MAX_RESOURCES} resources, ${kilobytes} of ${MAX_TEMPLATE / 1_000} kB`;
  if (resources > MAX_RESOURCES || bytes > MAX_TEMPLATE) exitWithError(`The template is too large: ${size}.`);
  log.notice(`The template has ${size}`);
}

/** The size of an environment as Lambda counts it: its JSON text, as in Lambda's refusal. */
function sizeOf(variables: [string, string][]): number {
  return Buffer.byteLength(JSON.stringify(Object.fromEntries(variables)));
}

function refuseEnvironment(
  { configurationInput }: Serverless,
  functionName: unknown,
  bytes: number,
  variables: [string, string][],
): never {
  const [[name = "", value = ""] = []] = variables.toSorted(([, a], [, b]) => b.length - a.length);
  const parameter = name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const isParameter = Object.hasOwn(configurationInput.params.default ?? {}, parameter);
  exitWithError(
    `The environment of ${functionName} takes ${bytes} bytes, of which Lambda allows ${MAX_ENVIRONMENT}. ` +
      `The most, ${Buffer.byteLength(value)}, are of ${isParameter ? `the parameter ${parameter}` : name}.`,
  );
}
