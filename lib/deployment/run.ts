import { v5 as uuidv5 } from "uuid";
import { epochSeconds } from "../times.ts";
import type { Status } from "./fields.ts";

/** Stands for "never", as a time or a duration in seconds: what lies at or above it is never reached. */
export const FOREVER = 1e11;

/** How long after its deadline a run's result is still taken, in seconds. */
export const SIGNAL_GRACE = 3_600;

/** How long after its start the result of a run without a time limit is taken, in seconds. */
export const SIGNAL_LIFETIME = 30 * 86_400;

/**
 * The present run of a deployment: from when it is in progress to its result. Each change of what the server is to run
 * is a new delivery. Times in camelCase are seconds since 1970, those in snake_case are ISO texts, as in the API.
 */
export interface Run {
  /** The deployment's own id. */
  id: string;
  status: Status;
  status_reason: string | null;
  /** How often what the server is to run has changed; 0 at first. */
  delivery: number;
  /** How often the present delivery was put in progress again; links of earlier attempts are void. */
  attempt: number;
  /** The time limit in seconds; null for none. */
  timeout: number | null;
  startedAt: number;
  /** When the run fails for want of a result; `FOREVER` or later without a time limit. */
  deadlineAt: number;
  /** Until when the signed link of the present delivery takes its result: fixed when the delivery begins. */
  signalExpiresAt: number;
  /** Whether it was ever rerun. From then on, what the client derived itself is sent under `deliveryId` too. */
  reran: boolean;
  /** When the server first collected the present delivery: ISO 8601. */
  collected_time: string | null;
}

/** Whether a deployment has run into its time limit. */
export function hasTimedOut({ status, deadlineAt }: Pick<Run, "status" | "deadlineAt">, now: Date): boolean {
  return status === "IN_PROGRESS" && deadlineAt <= epochSeconds(now);
}

/** The part of a run that decides how readers see it. */
type Timed = Pick<Run, "status" | "status_reason" | "deadlineAt" | "timeout" | "collected_time">;

/** A deployment as readers see it: FAILED once its time limit has passed, even if no write has recorded that yet. */
export function withTimeoutApplied<Deployment extends Timed>(deployment: Deployment, now: Date): Deployment {
  return hasTimedOut(deployment, now)
    ? { ...deployment, status: "FAILED", status_reason: timedOutReason(deployment) }
    : deployment;
}

/** The `status_reason` of a deployment that ran into its time limit. */
export function timedOutReason({ timeout, collected_time }: Pick<Run, "timeout" | "collected_time">): string {
  const collected = collected_time
    ? `collected it at ${collected_time} but sent no result`
    : "never collected it";
  return `Timed out after ${timeout} seconds: the server ${collected}`;
}

/** When a run fails for want of a result, in seconds since 1970. @param timeout in seconds; null for never */
export function deadlineOf(startedAt: number, timeout: number | null): number {
  return startedAt + (timeout ?? FOREVER);
}

/** Until when a run's result is taken, in seconds since 1970. */
export function signalExpiry(run: Pick<Run, "timeout" | "startedAt" | "deadlineAt">): number {
  return run.timeout === null ? run.startedAt + SIGNAL_LIFETIME : run.deadlineAt + SIGNAL_GRACE;
}

/** The run that a signed link is for. */
export interface SignalledRun {
  delivery: number;
  attempt: number;
  /** When the link ends, in seconds since 1970. */
  expires: number;
}

/** Whether a signed link is for the present delivery, and the present attempt at it. */
export function isCurrentRun(link: Pick<SignalledRun, "delivery" | "attempt">, run: Run): boolean {
  return link.delivery === run.delivery && link.attempt === run.attempt;
}

/**
 * Whether a result comes too late by its signed link. A link for the present delivery stays valid beyond its own expiry
 * until `signalExpiry(run)`, which a longer time limit that was set later may have moved.
 */
export function isTooLate(link: SignalledRun, run: Run, now: Date): boolean {
  const time = epochSeconds(now);
  return link.expires <= time && (!isCurrentRun(link, run) || signalExpiry(run) <= time);
}

/**
 * The id under which a deployment's present delivery goes to its server: the same at every poll, another one after
 * every change of what is to be run, since agents run each id once.
 */
export function deliveryId({ id, delivery }: Pick<Run, "id" | "delivery">): string {
  return uuidv5(String(delivery), id);
}
