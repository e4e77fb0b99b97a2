import { v5 as uuidv5 } from "uuid";
import { ServiceError } from "../errors.ts";
import { epochSeconds } from "../times.ts";
import type { Status } from "./fields.ts";

/** A time or duration in seconds that means "never", as does every larger one. */
export const FOREVER = 1e11;

/** The time after its deadline for which a run's signed link stays valid, in seconds. */
export const SIGNAL_GRACE = 3_600;

/** The most that a `not_before` may lie ahead, in seconds: a year, which may be a leap year. */
const MAX_AHEAD = 366 * 86_400;

/** The time for which the signed link of a run without a time limit is valid, in seconds. */
export const SIGNAL_LIFETIME = 30 * 86_400;

/**
 * The current run of a deployment: from `IN_PROGRESS` to its result or its time limit. Times in camelCase are seconds
 * since 1970, those in snake_case ISO 8601, as in the API.
 */
export interface Run {
  /** The deployment's own id. */
  id: string;
  status: Status;
  status_reason: string | null;
  /** The number of the current delivery, from 0. A change of config_id, input_values or action, or a rerun, adds 1. */
  delivery: number;
  /**
   * The number of times that the current delivery was put in progress again. Signed links of earlier attempts are void.
   */
  attempt: number;
  /** The time limit in seconds; null for none. */
  timeout: number | null;
  startedAt: number;
  /** The milliseconds between `startedAt` and the begin, 0 to 999: revocations of links are kept in ms. */
  startedMs: number;
  /** The time before which the server is not given it, in seconds since 1970; null for none. */
  notBefore: number | null;
  /** The time at which the run fails without a result; `FOREVER` or later without a time limit. */
  deadlineAt: number;
  /** The expiry of the current delivery's signed link, set when the delivery begins. */
  signalExpiresAt: number;
  /** Whether it was ever rerun. From then on a configuration that a client derived goes out under `deliveryId` too. */
  reran: boolean;
  /** The time when the server first collected the current delivery. */
  collected_time: string | null;
  /** Whether the configuration was not kept here when the run began. */
  isConfigMissing: boolean;
  /** Whether it was canceled, and no run has begun nor status been set since. */
  isCanceled: boolean;
  /**
   * Whether the time limit or a cancel ended the current run, and no result of it has come since: a late one keeps its
   * outputs.
   */
  acceptsLateResult: boolean;
}

/** The part of a run that readers' view of it depends on. */
type Timed = Pick<
  Run,
  "status" | "status_reason" | "deadlineAt" | "timeout" | "collected_time" | "isConfigMissing"
>;

/** The run that a signed link is for. */
export interface SignalledRun {
  delivery: number;
  attempt: number;
  /** The link's expiry, in seconds since 1970. */
  expires: number;
}

/** The begin of a run that begins now. */
export function beginAt(now: Date): Pick<Run, "startedAt" | "startedMs"> {
  return { startedAt: epochSeconds(now), startedMs: now.getMilliseconds() };
}

/** The begin of a run, in ms since 1970. */
export function beginOf({ startedAt, startedMs }: Pick<Run, "startedAt" | "startedMs">): number {
  return startedAt * 1_000 + startedMs;
}

/** The time from which a run counts, in seconds since 1970: its begin, or its `not_before` where that is later. */
export function dueAt({ startedAt, notBefore }: Pick<Run, "startedAt" | "notBefore">): number {
  return Math.max(startedAt, notBefore ?? 0);
}

/** @throws ServiceError `invalid` if a `not_before`, in seconds since 1970, lies more than a year ahead */
export function checkNotBefore(notBefore: number | null | undefined, now: Date): void {
  if ((notBefore ?? 0) > epochSeconds(now) + MAX_AHEAD)
    throw new ServiceError("invalid", "not_before: lies more than a year ahead");
}

/** Whether a run's `not_before` has come, or it has none. */
export function isDue({ notBefore }: { notBefore?: number | null | undefined }, now: Date): boolean {
  return (notBefore ?? 0) <= epochSeconds(now);
}

/** Whether a deployment is past its time limit without a result. */
export function hasTimedOut({ status, deadlineAt }: Pick<Run, "status" | "deadlineAt">, now: Date): boolean {
  return status === "IN_PROGRESS" && deadlineAt <= epochSeconds(now);
}

/**
 * Whether a run was given up before its server collected it: set FAILED, or past its time limit. It is not handed out
 * any more, since what was given up must not run.
 */
export function isGivenUp(
  run: Pick<Run, "status" | "deadlineAt"> & { collected_time?: string | null | undefined },
  now: Date,
): boolean {
  return !run.collected_time && (run.status === "FAILED" || hasTimedOut(run, now));
}

/** A deployment as readers see it: FAILED past its time limit, even if no write has recorded that yet. */
export function withTimeoutApplied<Deployment extends Timed>(deployment: Deployment, now: Date): Deployment {
  return hasTimedOut(deployment, now)
    ? { ...deployment, status: "FAILED", status_reason: timedOutReason(deployment) }
    : deployment;
}

/** The `status_reason` of a deployment past its time limit. */
export function timedOutReason(run: Pick<Run, "timeout" | "collected_time" | "isConfigMissing">): string {
  return `Timed out after ${run.timeout} seconds: ${missedStep(run)}`;
}

function missedStep({
  collected_time,
  isConfigMissing,
}: Pick<Run, "collected_time" | "isConfigMissing">): string {
  if (collected_time) return `the server collected it at ${collected_time} but sent no result`;
  if (isConfigMissing) return "its configuration is not kept here, so that no server was given it";
  return "the server never collected it";
}

/** The deadline of a run, in seconds since 1970. @param run.timeout the time limit in seconds; null for none */
export function deadlineOf(run: Pick<Run, "timeout" | "startedAt" | "notBefore">): number {
  return dueAt(run) + (run.timeout ?? FOREVER);
}

/** The expiry of a run's signed link, in seconds since 1970. */
export function signalExpiry(run: Pick<Run, "timeout" | "startedAt" | "notBefore" | "deadlineAt">): number {
  return run.timeout === null ? dueAt(run) + SIGNAL_LIFETIME : run.deadlineAt + SIGNAL_GRACE;
}

/**
 * The id under which a deployment's current delivery goes to its server: the same at every poll, and a new one for each
 * delivery, since agents run each id once.
 */
export function deliveryId({ id, delivery }: Pick<Run, "id" | "delivery">): string {
  return uuidv5(String(delivery), id);
}
