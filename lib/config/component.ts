import { isObjectText } from "../json/json-text.ts";
import type { SoftwareConfig } from "./config.ts";

/** A script of a component. */
interface ComponentScript {
  /** The actions that it is for: a list, or whatever else was sent. */
  actions: unknown;
  /** The hook that runs it. */
  tool: unknown;
}

/** The group of a component (Heat's SoftwareComponent): a list of scripts for different actions. */
export const COMPONENT = "component";

/** The scripts of components that were looked at; a configuration never changes. */
const scripts = new WeakMap<SoftwareConfig, ComponentScript[]>();

/**
 * The hook that runs a configuration for an action: its group, or of a component the tool of the first script for the
 * action, as heat-agents choose it. Undefined if a component has no such script: agents skip it, without a result.
 */
export function hookFor(config: SoftwareConfig, action: string | null): string | undefined {
  if (config.group !== COMPONENT) return config.group ?? "";
  const script = scriptsOf(config).find(({ actions }) => isFor(actions, action ?? ""));
  return script && String(script.tool);
}

function scriptsOf(config: SoftwareConfig): ComponentScript[] {
  let parsed = scripts.get(config);
  if (!parsed) {
    const { configs } = isObjectText(config.config.text) ? JSON.parse(config.config.text) : {};
    parsed = (Array.isArray(configs) ? configs : [])
      .filter((script) => typeof script === "object" && script !== null)
      .map(({ actions, tool }) => ({ actions, tool }));
    scripts.set(config, parsed);
  }
  return parsed;
}

/** Whether actions name an action; the agents' Python finds it in a text too. */
function isFor(actions: unknown, action: string): boolean {
  return (Array.isArray(actions) || typeof actions === "string") && actions.includes(action);
}
