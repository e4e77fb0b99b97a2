import * as z from "zod/mini";
import { flatBody, jsonObject, text } from "../wire/fields.ts";
import { isoTime } from "../wire/time.ts";
import type { SoftwareConfig } from "./config.ts";
import { definitions, InputRequest, OutputRequest } from "./inputs-outputs.ts";

/** The body of a create. All fields are optional, and null means absent. */
export const ConfigRequest = flatBody(
  "software_config",
  z.object({
    name: z.nullish(text(0, 255)),
    group: z.nullish(text(0, 255)),
    config: z.optional(z.unknown()),
    inputs: z.nullish(definitions(InputRequest)),
    outputs: z.nullish(definitions(OutputRequest)),
    options: z.nullish(jsonObject),
  }),
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
