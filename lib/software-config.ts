import * as z from "zod/mini";
import {
  ConfigInput,
  ConfigOutput,
  InputRequest,
  newInput,
  newOutput,
  OutputRequest,
} from "./software-config-io.ts";
import { flat, jsonObject, ProjectPath, text } from "./wire/fields.ts";
import { instant, shownInstant } from "./wire/instant.ts";

/** The path of one configuration. Whatever is no configuration's id is not found, so any text will do. */
export const ConfigPath = z.extend(ProjectPath, { id: z.string() });

/** The body of a create: all fields are optional. */
export const ConfigRequest = flat(
  "software_config",
  z.object({
    name: z.nullish(text(0, 255)),
    group: z.nullish(text(0, 255)),
    config: z.optional(z.unknown()),
    inputs: z.nullish(z.array(InputRequest)),
    outputs: z.nullish(z.array(OutputRequest)),
    options: z.nullish(jsonObject),
  }),
);
export type ConfigRequest = z.infer<typeof ConfigRequest>;

/** A configuration as the API shows it, keys in Heat's order. */
export const ShownConfig = z.object({
  id: z.string(),
  name: z.nullable(z.string()),
  group: z.nullable(z.string()),
  creation_time: z.string(),
  config: z.unknown(),
  inputs: z.array(ConfigInput),
  outputs: z.array(ConfigOutput),
  options: jsonObject,
});
export type ShownConfig = z.infer<typeof ShownConfig>;

/** What a list shows of a configuration. */
export const ListedConfig = z.pick(ShownConfig, { id: true, name: true, group: true, creation_time: true });
export type ListedConfig = z.infer<typeof ListedConfig>;

/** The answer that carries one configuration. */
export const OneConfig = z.object({ software_config: ShownConfig });

/** A configuration as the service knows it: what is shown, and its project. Never changes. */
export interface SoftwareConfig extends ShownConfig {
  project_id: string;
}

/**
 * Makes the configuration that a create asks for, its inputs and outputs normalized as Heat does.
 * @param id a UUID of version 7, so that ids rise with time
 */
export const newConfig = (
  projectId: string,
  request: ConfigRequest,
  id: string,
  now: Date,
): SoftwareConfig => ({
  project_id: projectId,
  id,
  name: request.name ?? null,
  group: request.group ?? null,
  creation_time: instant(now),
  config: request.config ?? null,
  inputs: (request.inputs ?? []).map(newInput),
  outputs: (request.outputs ?? []).map(newOutput),
  options: request.options ?? {},
});

/** What a list shows of a configuration. @param zone how UTC is marked at the end of a time */
export const listed = ({ id, name, group, creation_time }: ListedConfig, zone: string): ListedConfig => ({
  id,
  name,
  group,
  creation_time: shownInstant(creation_time, zone),
});

/** What a caller sees of a configuration. @param zone how UTC is marked at the end of a time */
export const shownConfig = (config: SoftwareConfig, zone: string): ShownConfig => ({
  ...listed(config, zone),
  config: config.config,
  inputs: config.inputs,
  outputs: config.outputs,
  options: config.options,
});
