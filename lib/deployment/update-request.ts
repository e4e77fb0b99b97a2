import * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import { documented, emptyMeansAbsent, flatBody } from "../shapes.ts";
import { Action, ConfigId, InputValues, newTimeLimit, OutputValues, Status, StatusReason } from "./fields.ts";
import type { Update } from "./transitions.ts";

/**
 * The body of an update: what is absent, null, `""` or `{}` stays as it is (Heat's rule). Maps are replaced, never
 * merged. A delivered field with the value that it has changes nothing. An empty body only moves `updated_time`, and a
 * `timeout` of 0 takes the time limit away.
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

/** The fields that a delegated tenant may change: those that report a result. */
const REPORTED = ["status", "status_reason", "output_values"];

/**
 * Checks that a caller may change the fields that an update names.
 * @param delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `forbidden` when a delegated tenant changes more than a deployment's result
 */
export function checkMayUpdate(update: Update, delegateProjectId: string | undefined): void {
  const beyond = Object.keys(update).filter((field) => !REPORTED.includes(field));
  if (delegateProjectId === undefined || beyond.length === 0) return;
  throw new ServiceError(
    "forbidden",
    `Authorization failed: the token does not allow changing ${beyond.join(", ")}.`,
  );
}
