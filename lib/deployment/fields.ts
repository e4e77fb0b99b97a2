import * as z from "zod/mini";
import { JsonText } from "../json/json-text.ts";
import { MAX_TIMEOUT } from "../settings.ts";
import { documented, jsonObject, text, wellFormed } from "../shapes.ts";

/** The longest `status_reason`, in bytes of UTF-8: the size of Heat's TEXT column. */
export const MAX_REASON_BYTES = 65_535;

/** The configuration that a deployment runs. */
export const ConfigId = documented(text(1, 255), { description: "The configuration to run." });

/** The server that a deployment runs on. */
export const ServerId = documented(text(1, 255), {
  description: "The server to run it on: any name, not only a UUID.",
});

/** The purpose of a deployment. */
export const Action = documented(text(0, 255), {
  description: "What it is for, such as CREATE or UPDATE. The script gets it as `deploy_action`.",
});

/** The values of a configuration's inputs. */
export const InputValues = documented(jsonObject(), {
  description:
    "Values for the configuration's inputs, by their names, at most 64 levels deep. Numbers come back to the last digit.",
});

/** The outputs of a run. */
export const OutputValues = documented(jsonObject(), {
  description: "What the run has come to, by the names of the outputs.",
});

/** The three states of a deployment (API page, table of request parameters). */
export const Status = documented(z.enum(["COMPLETE", "IN_PROGRESS", "FAILED"]), {
  description: "`IN_PROGRESS` until a result arrives.",
});
export type Status = z.infer<typeof Status>;

/** The reason for a deployment's status. */
export const StatusReason = documented(
  z.string().check(
    wellFormed,
    z.refine((value) => Buffer.byteLength(value) <= MAX_REASON_BYTES, {
      error: `is longer than ${MAX_REASON_BYTES} bytes of UTF-8`,
    }),
  ),
  { description: "Why it is in its state: at most 65,535 bytes of UTF-8.", maxLength: MAX_REASON_BYTES },
);

/** The time before which a server is not given a deployment: a text in, seconds since 1970 out. */
export const NotBefore = documented(
  z.pipe(
    z.iso.datetime({ offset: true, error: "a time with its zone is expected, as 2027-01-31T02:00:00Z" }),
    z.transform((text) => Math.ceil(Date.parse(text) / 1_000)),
  ),
  {
    description:
      "The server is not given it before this time, at most a year ahead. The time limit counts from then.",
    format: "date-time",
    override: { pattern: undefined },
  },
);

/** The time limit of each run, in seconds. @param least 0 if the field can remove the limit, else 1 */
export function timeLimit(least: 0 | 1) {
  const error = `a whole number of seconds from ${least} to ${MAX_TIMEOUT} is expected`;
  const isWithin = (value: number): boolean =>
    Number.isInteger(value) && value >= least && value <= MAX_TIMEOUT;
  const seconds = documented(z.number({ error }).check(z.refine(isWithin, { error })), {
    description: `The time limit of each run, in seconds${least === 0 ? "; 0 takes it away" : ""}. Past it the deployment is FAILED.`,
    type: "integer",
    minimum: least,
    maximum: MAX_TIMEOUT,
  });
  return z.pipe(
    z.transform((value) => (value instanceof JsonText ? JSON.parse(value.text) : value)),
    seconds,
  );
}

/** The time limit in an update, in seconds. 0 removes it, and becomes null. */
export function newTimeLimit() {
  return z.pipe(
    timeLimit(0),
    z.transform((seconds) => seconds || null),
  );
}
