import { isDeepStrictEqual } from "node:util";
import { type Actor, type DeploymentEvent, timedOutEvent } from "./deployment-event.ts";
import { timedOutReason } from "./deployment-run.ts";
import { ServiceError } from "./errors.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { eventText, storedValues } from "./software-deployment-item.ts";
import { isDelivered, type Update } from "./software-deployment-request.ts";
import type { Attributes } from "./stored-json.ts";
import type { JsonObject } from "./wire/exact-json.ts";
import { epoch } from "./wire/instant.ts";
import { merged } from "./wire/merge-patch.ts";

/** A change of a deployment: what is set, and what else it means. */
export interface Change {
  update: Update;
  /** The JSON values of the update, as an item keeps them. */
  stored: Attributes;
  /** Runs the deployment once more: what is to be run counts as changed. */
  reruns?: boolean;
  /** What the history says of it; the last one is the change's own. */
  events: DeploymentEvent[];
}

/** Who changes something, and when. */
export interface By {
  requestId: string;
  now: Date;
  /** The delegated tenant's project, when the caller is one. */
  delegate?: string | undefined;
}

const change = (update: Update, event: Omit<DeploymentEvent, "at" | "request_id">, by: By): Change => {
  const { input_values = null, output_values = null, status } = update;
  const own = { at: epoch(by.now), ...event, request_id: by.requestId, ...(status && { status }) };
  return { update, stored: storedValues({ input_values, output_values }, {}), events: [own] };
};

/**
 * An update as a change with its event.
 * @param fields what the caller named of it
 * @throws ServiceError `invalid` when its inputs are too large
 */
export const changed = (update: Update, by: By, fields = Object.keys(update)): Change => {
  const actor = by.delegate === undefined ? "user" : "delegated tenant";
  return change(update, { event: "changed", by: actor, fields }, by);
};

/** The longest JSON of a value that is merged, in bytes: what one body can hold of it. */
const MAX_MERGED_BYTES = 1_048_576;

const bounded = (name: string, value: JsonObject): JsonObject => {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MAX_MERGED_BYTES) return value;
  throw new ServiceError(
    "invalid",
    `${name}: too large: it takes ${bytes} bytes when merged, at most ${MAX_MERGED_BYTES} are allowed`,
  );
};

/**
 * A merge patch (RFC 7396) as a change with its event.
 * @param current the deployment as it was read, into whose values those of the patch are merged
 * @throws ServiceError `invalid` when its inputs are too large
 */
export const patched = (patch: Update, current: SoftwareDeployment, by: By): Change => {
  const { input_values, output_values } = patch;
  const whole: Update = {
    ...patch,
    ...(input_values && {
      input_values: bounded("input_values", merged(current.input_values, input_values)),
    }),
    ...(output_values && {
      output_values: bounded("output_values", merged(current.output_values, output_values)),
    }),
  };
  // What is patched to what it is already is no other delivery.
  const isNew = ([field, value]: [string, unknown]): boolean =>
    !isDelivered(field) || !isDeepStrictEqual(value, current[field]);
  return changed(Object.fromEntries(Object.entries(whole).filter(isNew)), by, Object.keys(patch));
};

/** A run's result as a change with its event. */
export const signalled = (result: Update, actor: Actor, by: By): Change =>
  change(result, { event: "signalled", by: actor }, by);

/** Running a deployment once more as a change with its event: in progress, without results, a new delivery. */
export const rerun = (by: By): Change => ({
  ...change(
    { status: "IN_PROGRESS", status_reason: null, output_values: null },
    { event: "rerun", by: "user" },
    by,
  ),
  reruns: true,
});

/**
 * The same change of a row that has run into its time limit: that is written first, and stays where the change says
 * nothing else of the status.
 */
export const afterTimeout = (change: Change, current: SoftwareDeployment, requestId: string): Change => ({
  ...change,
  update: change.update.status
    ? change.update
    : { status: "FAILED", status_reason: timedOutReason(current), ...change.update },
  events: [timedOutEvent(current, requestId), ...change.events],
});

/** A change's own event as an item keeps it: by it a repeat of the change is known. */
export const ownEvent = ({ events }: Change): string => {
  const own = events.at(-1);
  if (!own) throw new Error("A change without an event.");
  return eventText(own);
};

/** A change's larger values, as an item keeps them. */
export const valuesOf = ({ update: { status_reason }, stored }: Change): Attributes => ({
  ...stored,
  ...(status_reason && { status_reason }),
});
