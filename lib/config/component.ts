import { asJsonValue, isObjectText, type JsonValue } from "../json/json-text.ts";
import type { SoftwareConfig } from "./config.ts";

/** What an agent runs of a configuration. */
export interface Script {
  /** The hook that runs it. */
  hook: string;
  body: JsonValue;
}

/** A script of a component, with the actions that it is for: a list, or whatever else was sent. */
type ComponentScript = Script & { actions: unknown };

/** The group of a component (Heat's SoftwareComponent): a list of scripts for different actions. */
export const COMPONENT = "component";

/** The scripts of components that were looked at; a configuration never changes. */
const scripts = new WeakMap<SoftwareConfig, ComponentScript[]>();

/**
 * What an agent runs of a configuration for an action: the configuration itself, or of a component the first script for
 * the action, as heat-agents choose it. Undefined if a component has no such script: agents skip it, without a result.
 */
export function scriptFor(config: SoftwareConfig, action: string | null): Script | undefined {
  if (config.group !== COMPONENT) return { hook: config.group ?? "", body: config.config };
  return scriptsOf(config).find(({ actions }) => isFor(actions, action ?? ""));
}

function scriptsOf(config: SoftwareConfig): ComponentScript[] {
  const known = scripts.get(config);
  if (known) return known;
  const { configs } = isObjectText(config.config.text) ? JSON.parse(config.config.text) : {};
  const found = (Array.isArray(configs) ? configs : [])
    .filter((script) => typeof script === "object" && script !== null)
    .map(({ actions, tool, config: body = null }) => ({
      actions,
      hook: String(tool),
      body: asJsonValue(body),
    }));
  scripts.set(config, found);
  return found;
}

/** Whether actions name an action; the agents' Python finds it in a text too. */
function isFor(actions: unknown, action: string): boolean {
  return (Array.isArray(actions) || typeof actions === "string") && actions.includes(action);
}
