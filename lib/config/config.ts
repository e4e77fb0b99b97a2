import * as z from "zod/mini";
import { etagOf } from "../etag.ts";
import {
  AS_SENT,
  documented,
  idText,
  jsonObject,
  jsonValue,
  ProjectPath,
  text,
  timeText,
  uuidText,
} from "../shapes.ts";
import { ConfigInput, ConfigOutput, type Definition } from "./inputs-outputs.ts";
import { normalizedInput, normalizedOutput } from "./normalize.ts";

/** The name of a configuration, for people. */
export const ConfigName = documented(text(0, 255), { description: "A name for people; need not be unique." });

/** The tool that runs a configuration. */
export const ConfigGroup = documented(text(0, 255), {
  description: "The tool on the server that runs it, such as `script` or `ansible`.",
});

/** The body of a configuration: any JSON. */
export const ConfigBody = documented(jsonValue(), {
  description: "What is run: any JSON, usually a script's text.",
});

/** The options for the tool. */
export const Options = documented(jsonObject(), { description: "Options for the tool." });

/** The path of one configuration. */
export const ConfigPath = z.extend(ProjectPath, { id: idText });

/** A configuration as a response shows it, keys in Heat's order. */
export const ConfigView = documented(
  z.object({
    id: uuidText,
    name: z.nullable(ConfigName),
    group: z.nullable(ConfigGroup),
    creation_time: timeText,
    config: ConfigBody,
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
  /** Inputs and outputs exactly as they were sent; `configView` normalizes them. */
  inputs: Definition[];
  outputs: Definition[];
  /** The length of its JSON texts together, in characters; absent if it was not read from the table. */
  textLength?: number;
}

/**
 * The ETag of every configuration's view: none of them ever changes.
 * @param form the client's form (`EndpointInput.form`)
 */
export function configEtag(form: string): string {
  return etagOf("0", form);
}

/** The view of a configuration, inputs and outputs normalized as by Heat. */
export function configView(config: SoftwareConfig): ConfigView {
  const { project_id: _, textLength: __, ...view } = config;
  return {
    ...view,
    inputs: config.inputs.map(normalizedInput),
    outputs: config.outputs.map(normalizedOutput),
  };
}

/**
 * The view for a response about the configuration itself: it has inputs and outputs as they were sent too (`AS_SENT`).
 */
export function shownConfig(config: SoftwareConfig): ConfigView {
  const { inputs, outputs } = config;
  return Object.defineProperty(configView(config), AS_SENT, { value: { inputs, outputs } });
}
