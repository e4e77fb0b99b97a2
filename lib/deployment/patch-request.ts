import * as z from "zod/mini";
import { documented, flatBody } from "../shapes.ts";
import { Action, ConfigId, InputValues, newTimeLimit, OutputValues, Status, StatusReason } from "./fields.ts";

/**
 * The body of a JSON merge patch (RFC 7396) of the fields that an update takes: null takes a value away, where a
 * deployment can be without it.
 */
export const PatchRequest = documented(
  flatBody(
    "software_deployment",
    z.object({
      config_id: z.optional(ConfigId),
      input_values: z.optional(z.nullable(InputValues)),
      output_values: z.optional(z.nullable(OutputValues)),
      action: z.optional(z.nullable(Action)),
      status: z.optional(Status),
      status_reason: z.optional(z.nullable(StatusReason)),
      timeout: z.optional(z.nullable(newTimeLimit())),
    }),
  ),
  { id: "SoftwareDeploymentPatch" },
);
