import * as z from "zod/mini";
import { MAX_TIMEOUT } from "../settings.ts";
import { asDouble } from "../wire/exact-json.ts";
import { wellFormed } from "../wire/fields.ts";

/** The longest `status_reason`, in bytes of UTF-8: what Heat's TEXT column holds. */
export const MAX_REASON_BYTES = 65_535;

/** The three states of a deployment (API page, table of request parameters). */
export const Status = z.enum(["COMPLETE", "IN_PROGRESS", "FAILED"]);
export type Status = z.infer<typeof Status>;

/** Why a deployment is in its state. */
export const StatusReason = z.string().check(
  wellFormed,
  z.refine((value) => Buffer.byteLength(value) <= MAX_REASON_BYTES, {
    error: `is longer than ${MAX_REASON_BYTES} bytes of UTF-8`,
  }),
);

/** The time limit of a deployment, in seconds. @param least 0 where it may be taken away, else 1 */
export function timeLimit(least: 0 | 1) {
  const error = `a whole number of seconds from ${least} to ${MAX_TIMEOUT} is expected`;
  const isWithin = (value: number): boolean =>
    Number.isInteger(value) && value >= least && value <= MAX_TIMEOUT;
  return z.pipe(z.transform(asDouble), z.number({ error }).check(z.refine(isWithin, { error })));
}

/** The time limit that an update sets, in seconds: 0 takes it away, and becomes null. */
export function newTimeLimit() {
  return z.pipe(
    timeLimit(0),
    z.transform((seconds) => seconds || null),
  );
}
