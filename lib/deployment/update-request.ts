import * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import { documented, emptyMeansAbsent, flatBody } from "../shapes.ts";
import { Action, ConfigId, InputValues, newTimeLimit, OutputValues, Status, StatusReason } from "./fields.ts";
import type { Update } from "./transitions.ts";

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
      }),
    ),
  ),
  { id: "SoftwareDeploymentUpdate" },
);

/** The fields that a delegated tenant may change: a result. */
const REPORTED = ["status", "status_reason", "output_values"];

/**
 * Checks that a caller may change the fields of an update.
 * @param delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `forbidden` if a delegated tenant changes more than a deployment's result
 */
export function checkMayUpdate(update: Update, delegateProjectId: string | undefined): void {
  const beyond = Object.keys(update).filter((field) => !REPORTED.includes(field));
  if (delegateProjectId === undefined || beyond.length === 0) return;
  throw new ServiceError(
    "forbidden",
    `Authorization failed: the token does not allow changing ${beyond.join(", ")}.`,
  );
}
