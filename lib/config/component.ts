import { asJsonValue, isContainer, isObjectText, type JsonValue } from "../json/json-text.ts";
import type { SoftwareConfig } from "./config.ts";

/** The part of a configuration that an agent runs. */
export interface Script {
  /** The hook that runs it. */
  hook: string;
  body: JsonValue;
}

/** A script of a component as it was sent: the actions that it is for, its hook and its body. */
interface ComponentScript {
  actions?: unknown;
  tool?: unknown;
  config?: unknown;
}

/** The group of a component (Heat's SoftwareComponent): a list of scripts for different actions. */
export const COMPONENT = "component";

/** The scripts of components that were looked at; a configuration never changes. */
const scripts = new WeakMap<SoftwareConfig, ComponentScript[]>();

/**
 * The part of a configuration that an agent runs for an action: the configuration itself, or of a component the first
 * script for the action, as heat-agents choose it. Undefined if a component has no such script, or one that they stumble
 * over: they run nothing then, and send no result.
 * @param action the deployment's; a configuration that a client derived names its own
 */
export function scriptFor(config: SoftwareConfig, action: string | null): Script | undefined {
  if (config.group !== COMPONENT) return { hook: config.group ?? "", body: config.config };
  const own = valueOfInput(config, "deploy_server_id") && valueOfInput(config, "deploy_action");
  const sought = typeof own === "string" ? own : (action ?? "");
  for (const { actions, tool, config: body } of scriptsOf(config)) {
    if (!Array.isArray(actions) && typeof actions !== "string") return undefined;
    // Python finds an action in a text too.
    if (!actions.includes(sought)) continue;
    return typeof tool === "string" && body !== undefined
      ? { hook: tool, body: asJsonValue(body) }
      : undefined;
  }
  return undefined;
}

function valueOfInput({ inputs }: SoftwareConfig, input: string): JsonValue | undefined {
  return inputs.find(({ name }) => name === input)?.value;
}

function scriptsOf(config: SoftwareConfig): ComponentScript[] {
  const known = scripts.get(config);
  if (known) return known;
  const { configs } = isObjectText(config.config.text) ? JSON.parse(config.config.text) : {};
  const found = (Array.isArray(configs) ? configs : []).filter(isContainer);
  scripts.set(config, found);
  return found;
}
