import type { ConfigOutput } from "../config/inputs-outputs.ts";
import { ServiceError } from "../errors.ts";
import { areEqualTexts } from "../json/equal-json.ts";
import { JsonText, membersOf, objectOf } from "../json/json-text.ts";
import { mergePatch } from "../json/merge-patch.ts";
import { redactLinks, redactLinksInValues } from "../link/redaction.ts";
import { MAX_BODY_BYTES } from "../shapes.ts";
import { epochSeconds, isoTime } from "../times.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import type { Status } from "./fields.ts";
import { type Actor, actorOf, type DeploymentEvent, timedOutEvent } from "./history.ts";
import { resultOf, STATUS_CODE } from "./result.ts";
import {
  beginAt,
  checkNotBefore,
  deadlineOf,
  isDue,
  type SignalledRun,
  signalExpiry,
  timedOutReason,
} from "./run.ts";

/*
 * Everything that can happen to a deployment, one pure function each. Input: the deployment before, the request, and
 * its context. Output: the deployment after, and the event for its history. `store/change.ts` writes the difference.
 */

/** The fields that make up the delivery: a change of one of them is a new delivery. */
const DELIVERY_FIELDS = ["config_id", "input_values", "action"] as const;

/** The fields that a delegated tenant may change: a result. */
const REPORTED = ["status", "status_reason", "output_values"];

/** The most results of older deliveries that leave an event in one deployment's history. */
export const MAX_SUPERSEDED_RESULTS = 10;

/** The time for which a result that cannot be read leaves no second event, in seconds. */
const REFUSAL_PAUSE = 60;

/** The inputs of a deployment that has none: null means the same. */
const NO_INPUTS = new JsonText("{}");

/** The fields that an update sets; null takes a value away. */
export interface Update {
  config_id?: string | undefined;
  input_values?: JsonText | null | undefined;
  output_values?: JsonText | null | undefined;
  action?: string | null | undefined;
  status?: Status | undefined;
  status_reason?: string | null | undefined;
  timeout?: number | null | undefined;
  /** Seconds since 1970. */
  not_before?: number | null | undefined;
}

/** The request in which a transition happens. */
export interface TransitionContext {
  /** The id of the invocation, a UUID. */
  requestId: string;
  /** The time at which the request arrived. */
  now: Date;
  /** The project of a caller who is a delegated tenant, see `isVisibleTo`. */
  delegateProjectId?: string | undefined;
  /** Maps a value to the form in which this client sends it back; undefined for clients that do not change it. */
  echoedByClient?: ((value: JsonText) => JsonText) | undefined;
}

/** The outcome of a transition. */
export interface Outcome {
  after: SoftwareDeployment;
  /** The entry for its history; undefined if nothing changes. */
  event?: DeploymentEvent | undefined;
  /** Whether only its history changes, which neither `updated_time` nor its retention follows. */
  isNote?: boolean | undefined;
}

/** The result of a run as it arrived. */
export interface ArrivedResult {
  /** The outputs that were sent. */
  outputs: JsonText;
  by: Actor;
}

/**
 * The meaning of a result: the `first` of the current run counts; a `late` one came after the time limit; a
 * `superseded` one is the first of an older delivery; every other is `void`.
 */
export type ResultKind = "first" | "late" | "superseded" | "void";

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

/**
 * Applies an update. A delivered field (`DELIVERY_FIELDS`) that is sent with its current value changes nothing: OTC's Go SDK
 * and Terraform send `config_id` with every update, and agents would run the script again. A delivered field that
 * changes begins a new run: unless the update has a status, the deployment is in progress again, without reason and
 * results, so that the result of that run counts.
 */
export function applyUpdate(before: SoftwareDeployment, update: Update, context: TransitionContext): Outcome {
  const changes = withoutUnchangedFields(withHeldTypes(update, before, context), before, context);
  const fields = Object.keys(changes);
  if (fields.length === 0) return { after: before };
  const isNewDelivery = DELIVERY_FIELDS.some((field) => changes[field] !== undefined);
  if (changes.not_before !== undefined) checkMayWait(before, changes, isNewDelivery);
  const cleared: Update =
    isNewDelivery && changes.status === undefined
      ? { status: "IN_PROGRESS", status_reason: null, output_values: null }
      : {};
  const set = withLinksRedacted({ ...cleared, ...withoutStaleReason(changes, before) });
  return {
    after: begun(before, set, isNewDelivery, context),
    event: eventOf("changed", actorOf(context.delegateProjectId), context, { fields, status: set.status }),
  };
}

/**
 * Applies a merge patch (RFC 7396): an update whose maps are merged into the deployment's.
 * @throws ServiceError `invalid` if a merged value is larger than a body could be
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

/**
 * Applies a rerun: in progress, without reason and results, as a new delivery.
 * @param request.not_before of the new run, in seconds since 1970; one that lies ahead stays otherwise
 */
export function applyRerun(
  before: SoftwareDeployment,
  { not_before }: Pick<Update, "not_before">,
  context: TransitionContext,
): Outcome {
  const set = { status: "IN_PROGRESS", status_reason: null, output_values: null, not_before } as const;
  return {
    after: { ...begun(before, set, true, context), reran: true },
    event: eventOf("rerun", "user", context, { status: set.status }),
  };
}

/**
 * Applies a cancel: the run has failed, and is not handed out any more. A result that arrives later keeps its outputs.
 * @param request.status_reason the reason; by default whether the server has it, and since when
 * @returns undefined if it is canceled already
 * @throws ServiceError `conflict` if it is not in progress
 */
export function applyCancel(
  before: SoftwareDeployment,
  { status_reason }: { status_reason?: string | null | undefined },
  context: TransitionContext,
): Outcome | undefined {
  if (before.isCanceled) return undefined;
  const { status, collected_time } = before;
  if (status !== "IN_PROGRESS")
    throw new ServiceError("conflict", `The deployment is ${status}: only one in progress can be canceled.`);
  const reason = collected_time
    ? `Canceled: the server collected it at ${collected_time} and may have run it`
    : "Canceled before the server collected it";
  const after: SoftwareDeployment = {
    ...before,
    status: "FAILED",
    status_reason: redactLinks(status_reason || reason),
    isCanceled: true,
    acceptsLateResult: true,
  };
  return {
    after,
    event: eventOf("canceled", "user", context, { status: "FAILED" }),
  };
}

/**
 * Applies the first result of the current run. Signed links in its outputs are redacted.
 * @param declared the outputs that the configuration declares
 */
export function applySignal(
  before: SoftwareDeployment,
  { outputs, by }: ArrivedResult,
  declared: ConfigOutput[],
  context: TransitionContext,
): Outcome {
  const result = resultOf(redactLinksInValues(outputs), declared, before.output_values);
  const event = eventOf("signalled", by, context, { status: result.status });
  return { after: { ...before, ...result }, event: { ...event, delivery: before.delivery } };
}

/** Applies a late result: its outputs are stored; status and reason stay as they are. */
export function applyLateSignal(
  before: SoftwareDeployment,
  { outputs, by }: ArrivedResult,
  declared: ConfigOutput[],
  context: TransitionContext,
): Outcome {
  const { output_values } = resultOf(redactLinksInValues(outputs), declared, before.output_values);
  const { delivery } = before;
  return {
    after: { ...before, output_values, acceptsLateResult: false },
    event: { ...eventOf("signalled", by, context, {}), delivery, late: true, code: exitCodeOf(outputs) },
  };
}

/** Notes the first result of an older delivery, which changes nothing else. */
export function noteSupersededSignal(
  before: SoftwareDeployment,
  { outputs, by }: ArrivedResult,
  delivery: number,
  context: TransitionContext,
): Outcome {
  const event = eventOf("signalled", by, context, {});
  return {
    after: { ...before, supersededResults: before.supersededResults + 1 },
    event: { ...event, delivery, superseded: true, code: exitCodeOf(outputs) },
    isNote: true,
  };
}

/**
 * Notes that a result could not be read, at most once a minute. One of an older delivery counts as a superseded one.
 * @returns undefined within a minute of the last one
 */
export function noteRefusedSignal(
  before: SoftwareDeployment,
  history: DeploymentEvent[],
  { by, kind }: { by: Actor; kind: ResultKind },
  context: TransitionContext,
): Outcome | undefined {
  const last = history.findLast(({ event }) => event === "signal_refused");
  if (last && epochSeconds(context.now) - last.at < REFUSAL_PAUSE) return undefined;
  const supersededResults = before.supersededResults + (kind === "superseded" ? 1 : 0);
  return {
    after: { ...before, supersededResults },
    event: eventOf("signal_refused", by, context, {}),
    isNote: true,
  };
}

/** Applies a passed time limit: the run has failed, at its deadline. */
export function applyTimeLimit(before: SoftwareDeployment, { requestId }: { requestId: string }): Outcome {
  return {
    after: { ...before, status: "FAILED", status_reason: timedOutReason(before), acceptsLateResult: true },
    event: timedOutEvent(before, requestId),
  };
}

/**
 * The meaning of a result that arrives, which decides whether it is read. A void one is answered 200 and changes
 * nothing.
 * @param deployment with its time limit applied
 * @param history its events
 * @param link the signed link of the request, if it has one
 * @throws ServiceError `unauthorized` if the link has expired
 */
export function resultKind(
  deployment: SoftwareDeployment,
  history: DeploymentEvent[],
  link: SignalledRun | undefined,
  { now }: Pick<TransitionContext, "now">,
): ResultKind {
  const { delivery, attempt, status } = deployment;
  const isCurrent = !link || (link.delivery === delivery && link.attempt === attempt);
  const time = epochSeconds(now);
  // A link for the current run is valid beyond its own end where a longer time limit was set later.
  if (link && link.expires <= time && (!isCurrent || signalExpiry(deployment) <= time))
    throw new ServiceError("unauthorized", "Authorization failed: the link is no longer valid.");
  if (isCurrent && status === "IN_PROGRESS") return "first";
  if (isCurrent && deployment.acceptsLateResult) return "late";
  const isFirstOfOlder =
    link !== undefined &&
    link.delivery < delivery &&
    deployment.supersededResults < MAX_SUPERSEDED_RESULTS &&
    !history.some((event) => event.event === "signalled" && event.delivery === link.delivery);
  return isFirstOfOlder ? "superseded" : "void";
}

/**
 * The deployment after a change, with its new revision and times. `updated_time` never goes back: if another
 * container's clock, ahead of this one, set a later time, that time stays.
 * @param writtenAt the time of the write, which may be some reads after the request's arrival
 */
export function stamped(
  { after, isNote }: Outcome,
  before: SoftwareDeployment,
  { now }: Pick<TransitionContext, "now">,
  writtenAt: Date,
): SoftwareDeployment {
  const time = isoTime(now);
  const { updated_time } = before;
  const revision = before.revision + 1;
  if (isNote) return { ...after, revision };
  return {
    ...after,
    revision,
    updated_time: updated_time !== null && updated_time > time ? updated_time : time,
    changedAt: epochSeconds(writtenAt),
  };
}

/**
 * The update with the values that this client sends back as it was shown them as they are held: one changed input must
 * not make texts of all others.
 */
function withHeldTypes(
  update: Update,
  before: SoftwareDeployment,
  { echoedByClient }: TransitionContext,
): Update {
  if (!echoedByClient) return update;
  const restored = { ...update };
  for (const field of ["input_values", "output_values"] as const) {
    const [sent, held] = [update[field], before[field]];
    if (!sent || !held) continue;
    const values = membersOf(held.text);
    const shown = membersOf(echoedByClient(held).text);
    const members = Array.from(membersOf(sent.text), ([name, text]) => {
      const echo = shown.get(name);
      const isEcho = echo !== undefined && areEqualTexts(text, echo);
      return [name, isEcho ? (values.get(name) ?? text) : text] as const;
    });
    restored[field] = new JsonText(objectOf(members));
  }
  return restored;
}

/** @throws ServiceError `conflict` if a `not_before` would come too late: the run is over, or its server has it */
function checkMayWait(before: SoftwareDeployment, changes: Update, isNewDelivery: boolean): void {
  const { status = isNewDelivery ? "IN_PROGRESS" : before.status } = changes;
  if (status !== "IN_PROGRESS")
    throw new ServiceError(
      "conflict",
      `not_before: the deployment is ${status}: only one in progress can wait`,
    );
  if (isNewDelivery || !before.collected_time) return;
  throw new ServiceError(
    "conflict",
    `not_before: the deployment is ${before.status}, and the server collected it at ${before.collected_time}`,
  );
}

function withoutUnchangedFields(
  update: Update,
  before: SoftwareDeployment,
  { echoedByClient }: TransitionContext,
): Update {
  const isUnchanged = (field: (typeof DELIVERY_FIELDS)[number] | "output_values"): boolean => {
    const value = update[field];
    const current = before[field];
    if (value === undefined || value === current) return value !== undefined;
    const none = field === "input_values" ? NO_INPUTS : null;
    const [sent, held] = [value ?? none, current ?? none];
    return sent instanceof JsonText && held instanceof JsonText && areEqualTexts(sent.text, held.text);
  };
  const unchanged = [...DELIVERY_FIELDS, ...(echoedByClient ? (["output_values"] as const) : [])].filter(
    isUnchanged,
  );
  const names = new Set<string>(unchanged);
  if (update.not_before === before.notBefore) names.add("not_before");
  return Object.fromEntries(
    Object.entries(update).filter(([name, value]) => value !== undefined && !names.has(name)),
  );
}

/** The changes, and the removal of the reason of a time limit or a cancel if they set another status. */
function withoutStaleReason(changes: Update, before: SoftwareDeployment): Update {
  const { status, status_reason } = changes;
  const isTimedOut = status !== "FAILED" && before.status_reason === timedOutReason(before);
  const isStale = status !== undefined && (before.isCanceled || isTimedOut);
  return isStale && status_reason === undefined ? { ...changes, status_reason: null } : changes;
}

/** The update without signed links in its result: readers see results, and a link's holder can report one. */
function withLinksRedacted(update: Update): Update {
  const { output_values, status_reason } = update;
  return {
    ...update,
    ...(output_values && { output_values: redactLinksInValues(output_values) }),
    ...(status_reason && { status_reason: redactLinks(status_reason) }),
  };
}

/**
 * The deployment with the fields of an update, and with its run's numbers and times. A new delivery, or `IN_PROGRESS`
 * in the update, begins a run now, and keeps a `not_before` that lies ahead. For one that is in progress already,
 * `IN_PROGRESS` only starts the time limit anew: the script that runs has its link for the result. A new time limit alone
 * counts from the beginning of the run.
 */
function begun(
  before: SoftwareDeployment,
  set: Update,
  isNewDelivery: boolean,
  { now }: TransitionContext,
): SoftwareDeployment {
  const { not_before, ...fields } = set;
  checkNotBefore(not_before, now);
  const { status, timeout } = fields;
  const deployment = Object.assign({ ...before }, fields);
  if (status !== undefined || isNewDelivery)
    Object.assign(deployment, { isCanceled: false, acceptsLateResult: false });
  const begins = isNewDelivery || status === "IN_PROGRESS";
  if (!begins && timeout === undefined && not_before === undefined) return deployment;
  const { startedAt, startedMs } = begins ? beginAt(now) : deployment;
  const isKept = !begins || !isDue(before, now);
  const notBefore = not_before === undefined ? (isKept ? before.notBefore : null) : not_before;
  const timed = { ...deployment, startedAt, startedMs, notBefore };
  const run = { ...timed, deadlineAt: deadlineOf(timed) };
  // Nobody has a link of a delivery that was not collected.
  if (isNewDelivery || (not_before !== undefined && !before.collected_time))
    run.signalExpiresAt = signalExpiry(run);
  if (isNewDelivery) return { ...run, delivery: run.delivery + 1, collected_time: null };
  return begins && before.status !== "IN_PROGRESS" ? { ...run, attempt: run.attempt + 1 } : run;
}

function mergedValues(
  name: "input_values" | "output_values",
  before: SoftwareDeployment,
  patch: JsonText,
): JsonText {
  const text = mergePatch(before[name]?.text ?? "", patch.text);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_BODY_BYTES) return new JsonText(text);
  throw new ServiceError(
    "invalid",
    `${name}: too large: it takes ${bytes} bytes when merged, at most ${MAX_BODY_BYTES} are allowed`,
  );
}

/** The exit code that outputs report, if it is a number; null otherwise. */
function exitCodeOf({ text }: JsonText): number | null {
  const code = /^"?(-?\d{1,10})"?$/.exec(membersOf(text).get(STATUS_CODE) ?? "")?.[1];
  return code === undefined ? null : Number(code);
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
