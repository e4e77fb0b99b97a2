import * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import { emptyMeansAbsent, flatBody, jsonObject, text } from "../wire/fields.ts";
import { type Change, type ChangeContext, newChange, type Update } from "./change.ts";
import { newTimeLimit, Status, StatusReason } from "./fields.ts";
import { actorOf } from "./history.ts";

/**
 * The body of an update: what is absent, null, `""` or `{}` stays as it is (Heat's rule). Maps are replaced, never
 * merged. An empty body only moves `updated_time`, and a `timeout` of 0 takes the time limit away.
 */
export const UpdateRequest = flatBody(
  "software_deployment",
  emptyMeansAbsent(
    z.object({
      config_id: z.optional(text(1, 255)),
      input_values: z.optional(jsonObject),
      output_values: z.optional(jsonObject),
      action: z.optional(text(0, 255)),
      status: z.optional(Status),
      status_reason: z.optional(StatusReason),
      timeout: z.optional(newTimeLimit()),
    }),
  ),
);

/** The fields that a delegated tenant may change: those that report a result. */
const REPORTED = ["status", "status_reason", "output_values"];

/**
 * Checks that a caller may change the fields that an update names.
 * @param delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `unauthorized` when a delegated tenant changes more than a deployment's result
 */
export function checkMayUpdate(update: Update, delegateProjectId: string | undefined): void {
  const beyond = Object.keys(update).filter((field) => !REPORTED.includes(field));
  if (delegateProjectId === undefined || beyond.length === 0) return;
  throw new ServiceError(
    "unauthorized",
    `Authorization failed: the token does not allow changing ${beyond.join(", ")}.`,
  );
}

/**
 * An update as a change. One that names nothing leaves no event.
 * @param fields the fields that the caller named, for the history
 */
export function updateChange(
  update: Update,
  context: ChangeContext,
  fields: string[] = Object.keys(update),
): Change {
  if (fields.length === 0) return { update, events: [] };
  return newChange(update, { event: "changed", by: actorOf(context.delegateProjectId), fields }, context);
}
