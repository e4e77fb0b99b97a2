import * as z from "zod/mini";
import { ServiceError } from "./errors.ts";
import { emptyMeansLeave, flat, jsonObject, text, wellFormed } from "./wire/fields.ts";

/** The longest `status_reason`, in bytes of UTF-8: what Heat's TEXT column holds. */
const MAX_REASON_BYTES = 65_535;

const reason = z.string().check(
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

const timeout = (least: 0 | 1) => {
  const error = `a whole number of seconds from ${least} to ${MAX_TIMEOUT} is expected`;
  return z
    .number({ error })
    .check(z.refine((value) => Number.isInteger(value) && value >= least && value <= MAX_TIMEOUT, { error }));
};

/**
 * The body of a create. Null means absent; fields it does not name are dropped, as in Heat, because SDKs send
 * extras.
 */
export const CreateRequest = flat(
  "software_deployment",
  z.object({
    config_id: text(1, 255),
    server_id: text(1, 255),
    action: z.nullish(text(0, 255)),
    input_values: z.nullish(jsonObject),
    status: z.nullish(Status),
    status_reason: z.nullish(reason),
    stack_user_project_id: z.nullish(text(0, 64)),
    timeout: z.nullish(timeout(1)),
  }),
);
export type CreateRequest = z.infer<typeof CreateRequest>;

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
      timeout: z.optional(
        z.pipe(
          timeout(0),
          z.transform((seconds) => seconds || null),
        ),
      ),
    }),
  ),
);
export type UpdateRequest = z.infer<typeof UpdateRequest>;

/** The fields of an update that may also be taken away. */
type Clearable = "action" | "input_values" | "output_values" | "status_reason";

/** What is set of a deployment; null takes a value away. */
export type Update = Omit<UpdateRequest, Clearable> & { [Field in Clearable]?: UpdateRequest[Field] | null };

/** What a server is told to run: a change of any of these is a new delivery. */
const DELIVERED = ["config_id", "input_values", "action"] as const;

/** What a delegated tenant may report of a deployment. */
const REPORTED = ["status", "status_reason", "output_values"];

/** Whether an update begins a run anew: what is to be run changes, or it is in progress again. */
export const beginsRun = (update: Update): boolean =>
  update.status === "IN_PROGRESS" || isNewDelivery(update);

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
