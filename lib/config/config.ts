import * as z from "zod/mini";
import { idText, jsonObject, ProjectPath } from "../wire/fields.ts";
import {
  ConfigInput,
  ConfigOutput,
  type Definition,
  normalizedInput,
  normalizedOutput,
} from "./inputs-outputs.ts";

/** The path of one configuration. An id that is no UUID is not found, so any text passes here. */
export const ConfigPath = z.extend(ProjectPath, { id: idText });

/** A configuration as a response shows it, keys in Heat's order. */
export const ConfigView = z.object({
  id: z.string(),
  name: z.nullable(z.string()),
  group: z.nullable(z.string()),
  creation_time: z.string(),
  config: z.unknown(),
  inputs: z.array(ConfigInput),
  outputs: z.array(ConfigOutput),
  options: jsonObject,
});
export type ConfigView = z.infer<typeof ConfigView>;

/** The response with one configuration. */
export const OneConfig = z.object({ software_config: ConfigView });

/** A configuration. It never changes. */
export interface SoftwareConfig extends Omit<ConfigView, "inputs" | "outputs"> {
  project_id: string;
  /** As they were sent: they are normalized on the way out. */
  inputs: Definition[];
  outputs: Definition[];
}

/** The ETag of every configuration: none of them changes, so one tag does for all. */
export const CONFIG_ETAG = '"0"';

/**
 * What a caller sees of a configuration: inputs and outputs normalized as Heat does.
 * @param asSent leaves them as they were sent, for a client that needs that
 */
export function configView(config: SoftwareConfig, asSent = false): ConfigView {
  const { project_id: _, ...view } = config;
  if (asSent) return view as unknown as ConfigView;
  return {
    ...view,
    inputs: config.inputs.map(normalizedInput),
    outputs: config.outputs.map(normalizedOutput),
  };
}
