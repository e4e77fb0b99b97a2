import { configWarnings, SCRIPT_HOOK, scriptWarnings } from "../config/agent-warnings.ts";
import { COMPONENT, scriptFor } from "../config/component.ts";
import type { SoftwareConfig } from "../config/config.ts";
import { InputType } from "../config/inputs-outputs.ts";
import { asLabel, normalizedDefault } from "../config/normalize.ts";
import { asPlainText, membersOf, valueIn } from "../json/json-text.ts";
import type { SoftwareDeployment } from "./deployment.ts";

/** The most bytes of a variable in a process's environment, with its name and a zero byte: Linux's MAX_ARG_STRLEN. */
const MAX_VARIABLE_BYTES = 131_072;

/** The most faulty inputs of one deployment that are named. */
const MAX_INPUTS = 10;

/** A deployment whose run begins, held against its configuration. */
export interface Checked {
  /** COMPLETE if there is nothing to run; it also notes whether its configuration is kept here. */
  deployment: SoftwareDeployment;
  /** Why no agent will answer, or not as it was meant: a sentence each, which begins with the field. */
  warnings: string[];
}

/**
 * Holds a deployment against its configuration. As in Heat, a component without a script for the action has nothing to
 * run: the deployment is COMPLETE at once.
 * @param config undefined if it is not kept here
 * @param isStatusGiven whether the request names a status, which then stays
 */
export function checkedRun(
  deployment: SoftwareDeployment,
  config: SoftwareConfig | undefined,
  isStatusGiven: boolean,
): Checked {
  const noted = { ...deployment, isConfigMissing: config === undefined };
  if (!config) {
    const { config_id } = deployment;
    const warning = `config_id: no configuration with id ${config_id} is kept here, so that the server is not given it`;
    return { deployment: noted, warnings: [warning] };
  }
  const { action } = deployment;
  const script = scriptFor(config, action);
  if (script)
    return {
      deployment: noted,
      warnings: [
        ...configWarnings(config),
        ...(config.group === COMPONENT ? scriptWarnings(script) : []),
        ...inputWarnings(deployment, config, script.hook),
      ],
    };
  const status_reason = action
    ? `No script for action ${action}`
    : "No script for a deployment without an action";
  const ended = { ...noted, status: "COMPLETE", status_reason } as const;
  return {
    deployment: isStatusGiven ? noted : ended,
    warnings: [`action: the component has no script for it, so that nothing is run: ${action ?? "null"}`],
  };
}

function inputWarnings(
  { input_values }: SoftwareDeployment,
  { inputs }: SoftwareConfig,
  hook: string,
): string[] {
  const declared = new Map(inputs.map((input) => [asLabel(input.name ?? "") ?? "", input]));
  const values = membersOf(input_values?.text ?? "{}");
  const warnings: string[] = [];
  for (const name of new Set([...values.keys(), ...declared.keys()])) {
    if (warnings.length === MAX_INPUTS) break;
    const { type: sent, value: own, default: otherwise = null } = declared.get(name) ?? {};
    const text = values.get(name);
    const value = text === undefined ? (own ?? otherwise) : valueIn(text);
    const type = InputType.options.find((one) => one === sent);
    if (text !== undefined && value !== null && normalizedDefault(type, value) === undefined)
      warnings.push(`input_values.${name}: does not fit the type ${type}`);
    else if (hook === SCRIPT_HOOK) warnings.push(...environmentWarnings(name, asPlainText(value)));
  }
  return warnings;
}

/** The reason why a script cannot start with an input in its environment. */
function environmentWarnings(name: string, value: string): string[] {
  if (/[=\0]/.test(name))
    return [`inputs.${name}: no variable can have this name, so that the script does not start`];
  if (value.includes("\0"))
    return [`inputs.${name}: holds a NUL character, so that the script does not start`];
  if (Buffer.byteLength(name) + Buffer.byteLength(value) + 2 <= MAX_VARIABLE_BYTES) return [];
  return [`inputs.${name}: takes more than 128 KiB with its name, so that the script does not start`];
}
