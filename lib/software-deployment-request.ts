import * as z from "zod/mini";
import { ServiceError } from "./errors.ts";
import { emptyMeansLeave, flat, jsonObject, marker, pageLimit, text, wellFormed } from "./wire/fields.ts";

/** The longest `status_reason`, in bytes of UTF-8: what Heat's TEXT column holds. */
const MAX_REASON_BYTES = 65_535;

/** Why a deployment is in its state. */
export const reason = z.string().check(
  wellFormed,
  z.refine((value) => Buffer.byteLength(value) <= MAX_REASON_BYTES, {
    error: `is longer than ${MAX_REASON_BYTES} bytes of UTF-8`,
  }),
);

/** The three states of a deployment (API page, table of request parameters). */
export const Status = z.enum(["COMPLETE", "IN_PROGRESS", "FAILED"]);
export type Status = z.infer<typeof Status>;

/** The longest time limit of a deployment, in seconds: 30 days. */
const MAX_TIMEOUT = 2_592_000;

/** A time limit of at least so many seconds. */
export const timeout = (least: 0 | 1) => {
  const error = `a whole number of seconds from ${least} to ${MAX_TIMEOUT} is expected`;
  return z
    .number({ error })
    .check(z.refine((value) => Number.isInteger(value) && value >= least && value <= MAX_TIMEOUT, { error }));
};

/** A time limit to set; 0 takes it away. */
const newTimeout = z.pipe(
  timeout(0),
  z.transform((seconds) => seconds || null),
);

/**
 * The body of an update: what is absent, null, `""` or `{}` stays as it is (Heat's rule); maps are replaced,
 * never merged. An empty body only moves `updated_time`; a `timeout` of 0 takes the time limit away.
 */
export const UpdateRequest = flat(
  "software_deployment",
  emptyMeansLeave(
    z.object({
      config_id: z.optional(text(1, 255)),
      input_values: z.optional(jsonObject),
      output_values: z.optional(jsonObject),
      action: z.optional(text(0, 255)),
      status: z.optional(Status),
      status_reason: z.optional(reason),
      timeout: z.optional(newTimeout),
    }),
  ),
);
export type UpdateRequest = z.infer<typeof UpdateRequest>;

/**
 * The body of a JSON merge patch (RFC 7396) of the fields that an update takes: null takes a value away, where a
 * deployment can be without it.
 */
export const PatchRequest = flat(
  "software_deployment",
  z.object({
    config_id: z.optional(text(1, 255)),
    input_values: z.optional(z.nullable(jsonObject)),
    output_values: z.optional(z.nullable(jsonObject)),
    action: z.optional(z.nullable(text(0, 255))),
    status: z.optional(Status),
    status_reason: z.optional(z.nullable(reason)),
    timeout: z.optional(z.nullable(newTimeout)),
  }),
);

/** What is set of a deployment; null takes a value away. */
export type Update = z.infer<typeof PatchRequest>;

/** The most deployments that a caller may ask for at a time. */
const MAX_PAGE = 1_000;

/** Which deployments a list holds, where it begins, how long it may be and which way it goes. */
export const ListQuery = z.object({
  // As Heat reads it, an empty one asks for nothing.
  server_id: z.optional(
    z.pipe(
      text(0, 255),
      z.transform((id) => id || undefined),
    ),
  ),
  config_id: z.optional(text(1, 255)),
  status: z.optional(Status),
  action: z.optional(text(0, 255)),
  limit: z.optional(pageLimit(MAX_PAGE)),
  marker: z.optional(marker),
  sort_dir: z.optional(z.enum(["asc", "desc"])),
});

/** What a server is told to run: a change of any of these is a new delivery. */
const DELIVERED = ["config_id", "input_values", "action"] as const;

/** What a delegated tenant may report of a deployment. */
const REPORTED = ["status", "status_reason", "output_values"];

/** Whether an update begins a run anew: what is to be run changes, or it is in progress again. */
export const beginsRun = (update: Update): boolean =>
  update.status === "IN_PROGRESS" || isNewDelivery(update);

/** Whether a field is part of what a server is told to run. */
export const isDelivered = (field: string): field is (typeof DELIVERED)[number] =>
  (DELIVERED as readonly string[]).includes(field);

/** Whether an update changes what the server is to run. */
export const isNewDelivery = (update: Update): boolean =>
  DELIVERED.some((field) => update[field] !== undefined);

/**
 * Holds an update against what its caller may do.
 * @param delegate the delegated tenant's project, when the caller is one
 * @throws ServiceError `unauthorized` when a delegated tenant changes more than a deployment's result
 */
export const checkUpdate = (update: Update, delegate: string | undefined): void => {
  const beyond = Object.keys(update).filter((field) => !REPORTED.includes(field));
  if (delegate === undefined || beyond.length === 0) return;
  throw new ServiceError(
    "unauthorized",
    `Authorization failed: the token does not allow changing ${beyond.join(", ")}.`,
  );
};
