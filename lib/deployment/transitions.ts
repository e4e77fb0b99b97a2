import type { ConfigOutput } from "../config/inputs-outputs.ts";
import { ServiceError } from "../errors.ts";
import { equalAsJson } from "../json/equal-json.ts";
import type { JsonObject } from "../json/exact-json.ts";
import { mergePatch } from "../json/merge-patch.ts";
import { valuesWithoutLinks, withoutLinks } from "../link/blanking.ts";
import { MAX_BODY_BYTES } from "../shapes.ts";
import { epochSeconds, isoTime } from "../times.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import type { Status } from "./fields.ts";
import { type Actor, actorOf, type DeploymentEvent, timedOutEvent } from "./history.ts";
import { resultOf } from "./result.ts";
import {
  deadlineOf,
  isCurrentRun,
  isTooLate,
  type SignalledRun,
  signalExpiry,
  timedOutReason,
} from "./run.ts";

/*
 * Everything that can happen to a deployment, each as a pure function: the deployment before, what is asked for, and the
 * request's context give the deployment after, and the event that its history keeps.
 */

/** The fields that tell a server what to run: a change of any of them is a new delivery. */
const DELIVERED = ["config_id", "input_values", "action"] as const;

/** The fields that an update sets; null takes a value away. */
export interface Update {
  config_id?: string | undefined;
  input_values?: JsonObject | null | undefined;
  output_values?: JsonObject | null | undefined;
  action?: string | null | undefined;
  status?: Status | undefined;
  status_reason?: string | null | undefined;
  timeout?: number | null | undefined;
}

/** The request in which a transition happens. */
export interface TransitionContext {
  /** The id of the invocation, a UUID. */
  requestId: string;
  /** When the request came. */
  now: Date;
  /** The project of a caller who is a delegated tenant, see `isVisibleTo`. */
  delegateProjectId?: string | undefined;
  /** A value as the client sends it back that was shown it; undefined where that is the value itself. */
  echoedByClient?: ((value: unknown) => unknown) | undefined;
}

/** The outcome of a transition. */
export interface Outcome {
  after: SoftwareDeployment;
  /** Its entry in the history; undefined where nothing changes. */
  event?: DeploymentEvent | undefined;
}

/**
 * An update: it sets the fields that it names. A field that it sends with the value that it has changes nothing: OTC's
 * Go SDK and Terraform send `config_id` with every update, and agents would run the script again. A delivered field that
 * does change begins a new run: where the update names no status, the deployment is in progress again, its reason and
 * results cleared, so that the result of that run counts.
 */
export function applyUpdate(before: SoftwareDeployment, update: Update, context: TransitionContext): Outcome {
  const changes = withoutUnchangedFields(update, before, context);
  const fields = Object.keys(changes);
  if (fields.length === 0) return { after: before };
  const isNewDelivery = DELIVERED.some((field) => changes[field] !== undefined);
  const cleared: Update =
    isNewDelivery && changes.status === undefined
      ? { status: "IN_PROGRESS", status_reason: null, output_values: null }
      : {};
  const set = withoutSignedLinks({ ...cleared, ...withoutStaleReason(changes, before) });
  return {
    after: begun(withFields(before, set), set, isNewDelivery, context),
    event: eventOf("changed", actorOf(context.delegateProjectId), context, { fields, status: set.status }),
  };
}

/**
 * A merge patch (RFC 7396): an update into whose values those that the deployment has are merged.
 * @throws ServiceError `invalid` when a merged value is larger than a body could hold
 */
export function applyPatch(before: SoftwareDeployment, patch: Update, context: TransitionContext): Outcome {
  const { input_values, output_values } = patch;
  const merged: Update = {
    ...patch,
    ...(input_values && { input_values: mergedValues("input_values", before, input_values) }),
    ...(output_values && { output_values: mergedValues("output_values", before, output_values) }),
  };
  return applyUpdate(before, merged, context);
}

/** Running once more: in progress, without results, a new delivery. */
export function applyRerun(before: SoftwareDeployment, context: TransitionContext): Outcome {
  const set = { status: "IN_PROGRESS", status_reason: null, output_values: null } as const;
  return {
    after: { ...begun(withFields(before, set), set, true, context), reran: true },
    event: eventOf("rerun", "user", context, { status: set.status }),
  };
}

/**
 * A result of a run, which `awaitsResult` must have found to count.
 * @param signal the outputs that were sent, those that the configuration declares, and who sent them
 */
export function applySignal(
  before: SoftwareDeployment,
  { outputs, declared, by }: { outputs: JsonObject; declared: ConfigOutput[]; by: Actor },
  context: TransitionContext,
): Outcome {
  const result = resultOf(valuesWithoutLinks(outputs), declared, before.output_values ?? {});
  return {
    after: { ...before, ...result },
    event: eventOf("signalled", by, context, { status: result.status }),
  };
}

/** A time limit that has passed: the run failed at its deadline, without anybody writing it. */
export function applyTimeLimit(before: SoftwareDeployment, { requestId }: { requestId: string }): Outcome {
  return {
    after: { ...before, status: "FAILED", status_reason: timedOutReason(before) },
    event: timedOutEvent(before, requestId),
  };
}

/**
 * Whether a result counts: the first one for the present delivery and the present attempt at it, while the run is in
 * progress. Others are answered, and change nothing.
 * @param deployment its time limit applied
 * @param link the signed link by which the result came, if it was one
 * @throws ServiceError `unauthorized` when the link has ended
 */
export function awaitsResult(
  deployment: SoftwareDeployment,
  link: SignalledRun | undefined,
  { now }: Pick<TransitionContext, "now">,
): boolean {
  if (link && isTooLate(link, deployment, now))
    throw new ServiceError("unauthorized", "Authorization failed: the link is no longer valid.");
  return deployment.status === "IN_PROGRESS" && (!link || isCurrentRun(link, deployment));
}

/**
 * The deployment with the marks of a change: its revision, and when it was changed. A change that loses to a clock ahead
 * of its own has that clock's time: `updated_time` never goes back.
 * @param writtenAt when the change is written, which may be some reads after the request came
 */
export function stamped(
  { after }: Outcome,
  before: SoftwareDeployment,
  { now }: Pick<TransitionContext, "now">,
  writtenAt: Date,
): SoftwareDeployment {
  const time = isoTime(now);
  const { updated_time, revision } = before;
  return {
    ...after,
    revision: revision + 1,
    updated_time: updated_time !== null && updated_time > time ? updated_time : time,
    changedAt: epochSeconds(writtenAt),
  };
}

/** The fields of an update that change something. */
function withoutUnchangedFields(
  update: Update,
  before: SoftwareDeployment,
  { echoedByClient }: TransitionContext,
): Update {
  const compared = echoedByClient ? ([...DELIVERED, "output_values"] as const) : DELIVERED;
  const unchanged = compared.filter(
    (field) =>
      equalAsJson(update[field], before[field]) ||
      (field === "input_values" && equalAsJson(update[field], before[field] ?? {})) ||
      (echoedByClient !== undefined && equalAsJson(update[field], echoedByClient(before[field]))),
  );
  const names = new Set<string>(unchanged);
  return Object.fromEntries(
    Object.entries(update).filter(([name, value]) => value !== undefined && !names.has(name)),
  );
}

/** The reason of a time limit that has passed goes with the failure that it explained. */
function withoutStaleReason(changes: Update, before: SoftwareDeployment): Update {
  const { status = "FAILED", status_reason } = changes;
  const isStale = status !== "FAILED" && before.status_reason === timedOutReason(before);
  return isStale && status_reason === undefined ? { ...changes, status_reason: null } : changes;
}

/** Signed links are removed from what readers see of a result: whoever holds one can report a result. */
function withoutSignedLinks(update: Update): Update {
  const { output_values, status_reason } = update;
  return {
    ...update,
    ...(output_values && { output_values: valuesWithoutLinks(output_values) }),
    ...(status_reason && { status_reason: withoutLinks(status_reason) }),
  };
}

function withFields(before: SoftwareDeployment, set: Update): SoftwareDeployment {
  return Object.assign({ ...before }, set);
}

/**
 * The deployment with its run's times: a new delivery, or one that is in progress again, begins now; a time limit that
 * changes alone counts from the run's beginning.
 */
function begun(
  deployment: SoftwareDeployment,
  { status, timeout }: Update,
  isNewDelivery: boolean,
  { now }: TransitionContext,
): SoftwareDeployment {
  const begins = isNewDelivery || status === "IN_PROGRESS";
  if (!begins && timeout === undefined) return deployment;
  const startedAt = begins ? epochSeconds(now) : deployment.startedAt;
  const run = { ...deployment, startedAt, deadlineAt: deadlineOf(startedAt, deployment.timeout) };
  if (!begins) return run;
  return isNewDelivery
    ? { ...run, delivery: run.delivery + 1, signalExpiresAt: signalExpiry(run), collected_time: null }
    : { ...run, attempt: run.attempt + 1 };
}

function mergedValues(
  name: "input_values" | "output_values",
  before: SoftwareDeployment,
  patch: JsonObject,
): JsonObject {
  const value = mergePatch(before[name], patch);
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MAX_BODY_BYTES) return value;
  throw new ServiceError(
    "invalid",
    `${name}: too large: it takes ${bytes} bytes when merged, at most ${MAX_BODY_BYTES} are allowed`,
  );
}

function eventOf(
  event: DeploymentEvent["event"],
  by: Actor,
  { requestId, now }: TransitionContext,
  { fields, status }: { fields?: string[]; status?: Status | undefined },
): DeploymentEvent {
  return {
    at: epochSeconds(now),
    event,
    by,
    ...(fields && { fields }),
    request_id: requestId,
    ...(status && { status }),
  };
}
