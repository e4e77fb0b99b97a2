import * as z from "zod/mini";
import { documented, flatBody } from "../shapes.ts";
import {
  Action,
  ConfigId,
  InputValues,
  NotBefore,
  newTimeLimit,
  OutputValues,
  Status,
  StatusReason,
} from "./fields.ts";

/**
 * The body of a JSON merge patch (RFC 7396) with the fields of an update. Null removes a value, and is accepted for
 * fields that a deployment can do without.
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
      not_before: z.optional(z.nullable(NotBefore)),
    }),
  ),
  { id: "SoftwareDeploymentPatch" },
);
