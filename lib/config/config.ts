import * as z from "zod/mini";
import { AS_SENT, documented, idText, jsonObject, ProjectPath, text, timeText, uuidText } from "../shapes.ts";
import { ConfigInput, ConfigOutput, type Definition } from "./inputs-outputs.ts";
import { normalizedInput, normalizedOutput } from "./normalize.ts";

/** What people call a configuration. */
export const ConfigName = documented(text(0, 255), { description: "A name for people; need not be unique." });

/** Which tool runs it. */
export const ConfigGroup = documented(text(0, 255), {
  description: "The tool on the server that runs it, such as `script` or `ansible`.",
});

/** What is run. */
export const Script = documented(z.unknown(), {
  description: "What is run: any JSON, usually a script's text.",
});

/** What is handed to the tool. */
export const Options = documented(jsonObject(), { description: "Options for the tool." });

/** The path of one configuration. An id that is no UUID is not found, so any text passes here. */
export const ConfigPath = z.extend(ProjectPath, { id: idText });

/** A configuration as a response shows it, keys in Heat's order. */
export const ConfigView = documented(
  z.object({
    id: uuidText,
    name: z.nullable(ConfigName),
    group: z.nullable(ConfigGroup),
    creation_time: timeText,
    config: Script,
    inputs: z.array(ConfigInput),
    outputs: z.array(ConfigOutput),
    options: Options,
  }),
  { id: "SoftwareConfig" },
);
export type ConfigView = z.infer<typeof ConfigView>;

/** The response with one configuration. */
export const OneConfig = z.object({ software_config: ConfigView });

/** A configuration. It never changes. */
export interface SoftwareConfig extends Omit<ConfigView, "inputs" | "outputs"> {
  project_id: string;
  /** As they were sent: they are normalized on the way out. */
  inputs: Definition[];
  outputs: Definition[];
  /** How long its JSON texts are together, in characters; absent where it was not read. */
  textLength?: number;
}

/** The ETag of every configuration: none of them changes, so one tag does for all. */
export const CONFIG_ETAG = '"0"';

/** The view of a configuration: its inputs and outputs normalized as Heat does. */
export function configView(config: SoftwareConfig): ConfigView {
  const { project_id: _, textLength: __, ...view } = config;
  return {
    ...view,
    inputs: config.inputs.map(normalizedInput),
    outputs: config.outputs.map(normalizedOutput),
  };
}

/** The same for a response about this configuration, which holds them as they were sent too (`AS_SENT`). */
export function shownConfig(config: SoftwareConfig): ConfigView {
  const { inputs, outputs } = config;
  return Object.defineProperty(configView(config), AS_SENT, { value: { inputs, outputs } });
}
