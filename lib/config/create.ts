import * as z from "zod/mini";
import { documented, flatBody } from "../wire/fields.ts";
import { isoTime } from "../wire/time.ts";
import { ConfigGroup, ConfigName, Options, Script, type SoftwareConfig } from "./config.ts";
import { definitions, InputRequest, OutputRequest } from "./inputs-outputs.ts";

/** The body of a create. All fields are optional, and null means absent. */
export const ConfigRequest = documented(
  flatBody(
    "software_config",
    z.object({
      name: z.nullish(ConfigName),
      group: z.nullish(ConfigGroup),
      config: z.optional(Script),
      inputs: z.nullish(definitions(InputRequest)),
      outputs: z.nullish(definitions(OutputRequest)),
      options: z.nullish(Options),
    }),
  ),
  { id: "SoftwareConfigCreate" },
);
export type ConfigRequest = z.infer<typeof ConfigRequest>;

/**
 * Makes the configuration that a create asks for.
 * @param id a UUID of version 7, so that ids rise with time
 */
export function newConfig(projectId: string, request: ConfigRequest, id: string, now: Date): SoftwareConfig {
  return {
    project_id: projectId,
    id,
    name: request.name ?? null,
    group: request.group ?? null,
    creation_time: isoTime(now),
    config: request.config ?? null,
    inputs: request.inputs ?? [],
    outputs: request.outputs ?? [],
    options: request.options ?? {},
  };
}
