import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Serverless } from "./framework.ts";

/** Lambda's bounds: of a function's name in characters, and of its environment in bytes. */
const MAX_NAME = 64;
const MAX_ENVIRONMENT = 4_096;

/** What a reference becomes when it is deployed, a table's name or a secret's ARN, takes no more characters. */
const RESOLVED_REFERENCE = "x".repeat(128);

/**
 * Serverless plugin: refuses to package what Lambda would refuse in the middle of a deployment, which is a stage whose
 * name makes those of its functions too long, and an environment that is too large.
 */
export default class Limits {
  readonly hooks: Hooks = {
    "before:package:createDeploymentArtifacts": () => this.#checkNames(),
    "before:package:finalize": () => this.#checkEnvironments(),
  };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #checkNames(): void {
    const { functions, provider } = this.#serverless.service;
    const names = Object.values(functions).map(({ name }) => name);
    const excess = Math.max(...names.map(({ length }) => length)) - MAX_NAME;
    if (excess <= 0) return;
    exitWithError(
      `--stage ${provider.stage}: at most ${provider.stage.length - excess} characters are expected, ` +
        `as Lambda takes ${MAX_NAME} for a function's name.`,
    );
  }

  #checkEnvironments(): void {
    const { Resources } = this.#serverless.service.provider.compiledCloudFormationTemplate;
    for (const { Properties } of Object.values(Resources)) {
      const variables = Object.entries(Properties?.Environment?.Variables ?? {}).map(
        ([name, value]): [string, string] => [name, typeof value === "string" ? value : RESOLVED_REFERENCE],
      );
      const bytes = sizeOf(variables);
      if (bytes > MAX_ENVIRONMENT) this.#refuseEnvironment(Properties?.FunctionName, bytes, variables);
    }
  }

  #refuseEnvironment(functionName: unknown, bytes: number, variables: [string, string][]): never {
    const [[name = "", value = ""] = []] = variables.toSorted(([, a], [, b]) => b.length - a.length);
    const parameter = name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const isParameter = Object.hasOwn(this.#serverless.configurationInput.params.default ?? {}, parameter);
    return exitWithError(
      `The environment of ${functionName} takes ${bytes} bytes, of which Lambda allows ${MAX_ENVIRONMENT}. ` +
        `The most, ${Buffer.byteLength(value)}, are of ${isParameter ? `the parameter ${parameter}` : name}.`,
    );
  }
}

/** How large Lambda finds an environment: its JSON text, as it shows it when it refuses one. */
function sizeOf(variables: [string, string][]): number {
  return Buffer.byteLength(JSON.stringify(Object.fromEntries(variables)));
}
