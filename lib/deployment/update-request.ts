import * as z from "zod/mini";
import { documented, emptyMeansAbsent, flatBody } from "../shapes.ts";
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
 * The body of an update. Absent, null, `""` and `{}` leave a field unchanged (Heat's rule); maps are replaced, never
 * merged. An empty body only sets `updated_time`. A `timeout` of 0 removes the time limit.
 */
export const UpdateRequest = documented(
  flatBody(
    "software_deployment",
    emptyMeansAbsent(
      z.object({
        config_id: z.optional(ConfigId),
        input_values: z.optional(InputValues),
        output_values: z.optional(OutputValues),
        action: z.optional(Action),
        status: z.optional(Status),
        status_reason: z.optional(StatusReason),
        timeout: z.optional(newTimeLimit()),
        not_before: z.optional(NotBefore),
      }),
    ),
  ),
  { id: "SoftwareDeploymentUpdate" },
);
