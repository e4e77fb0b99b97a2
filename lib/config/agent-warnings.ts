import { JsonText, type JsonValue, stringIn } from "../json/json-text.ts";
import { type Script, scriptFor } from "./component.ts";
import type { SoftwareConfig } from "./config.ts";

/** The hooks of heat-agents 13, and the groups that its other programs know. */
const HOOKS = [
  ...["ansible", "apply-config", "cfn-init", "chef", "docker-cmd", "docker-compose", "hiera", "json-file"],
  ...["kubelet", "puppet", "salt", "script", "component", "os-apply-config"],
];

/** Heat's name for a configuration without a group. */
const UNGROUPED = "Heat::Ungrouped";

/** The hook that writes its configuration to a file, and starts it. */
export const SCRIPT_HOOK = "script";

/**
 * Sentences about a configuration that heat-agents will not run, or not as it was meant; none if nothing is wrong. Each
 * begins with the field.
 */
export function configWarnings(config: SoftwareConfig): string[] {
  const { group } = config;
  if (group === null || group === "" || group === UNGROUPED)
    return ["group: agents run nothing that has no group"];
  const hook = HOOKS.find((name) => name === group.toLowerCase());
  if (hook !== undefined && hook !== group) return [`group: ${group} is no hook of heat-agents, ${hook} is`];
  return group === SCRIPT_HOOK ? scriptWarnings(scriptFor(config, null)) : [];
}

/** Sentences about a script that no kernel starts; none for other hooks. */
export function scriptWarnings(script: Script | undefined): string[] {
  if (script?.hook !== SCRIPT_HOOK) return [];
  const text = textOf(script.body);
  if (text === undefined) return ["config: the hook for scripts takes a text"];
  if (text.startsWith("\ufeff"))
    return ["config: begins with a byte order mark, so that no interpreter is found"];
  if (!text.startsWith("#!"))
    return ["config: its first line does not begin with #!, so that nothing can start it"];
  const end = text.indexOf("\n");
  return end > 0 && text[end - 1] === "\r"
    ? ["config: its first line ends with CR LF, so that no interpreter is found"]
    : [];
}

function textOf(value: JsonValue): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof JsonText ? stringIn(value.text) : undefined;
}
