import { v5 as uuidv5 } from "uuid";
import { epochSeconds } from "../wire/time.ts";
import type { Status } from "./fields.ts";

/** The deadline of a run without a time limit, in seconds since 1970: one that nobody will see. */
export const FOREVER = 1e11;

/** How long after its deadline a run's result is still taken, in seconds. */
export const SIGNAL_GRACE = 3_600;

/** How long after its start the result of a run without a time limit is taken, in seconds. */
export const SIGNAL_LIFETIME = 30 * 86_400;

/**
 * The present run of a deployment: from when it is in progress to its result. Each change of what the server is to run
 * is a new delivery. Times are in seconds since 1970 unless they are texts.
 */
export interface Run {
  /** The deployment's own id. */
  id: string;
  status: Status;
  status_reason: string | null;
  /** How often what the server is to run has changed; 0 at first. */
  delivery: number;
  /** The time limit in seconds; null for none. */
  timeout: number | null;
  startedAt: number;
  /** When the run fails for want of a result; `FOREVER` without a time limit. */
  deadlineAt: number;
  /** Until when the signed link of the present delivery takes its result: fixed when the delivery begins. */
  signalExpiresAt: number;
  /** Whether it was ever rerun: from then on, also a configuration that a client derived goes out under a new id. */
  reran: boolean;
  /** When the server first collected the present delivery: ISO 8601. */
  collected_time: string | null;
}

/** Whether a deployment has run into its time limit. */
export function hasTimedOut({ status, deadlineAt }: Pick<Run, "status" | "deadlineAt">, now: Date): boolean {
  return status === "IN_PROGRESS" && deadlineAt <= epochSeconds(now);
}

/** A deployment as it is at a time: one in progress past its deadline has failed, whether or not that is written. */
export function asOf<Running extends Run>(deployment: Running, now: Date): Running {
  return hasTimedOut(deployment, now)
    ? { ...deployment, status: "FAILED", status_reason: timedOutReason(deployment) }
    : deployment;
}

/** The `status_reason` of a deployment that ran into its time limit. */
export function timedOutReason({ timeout, collected_time }: Run): string {
  const collected = collected_time
    ? `collected it at ${collected_time} but sent no result`
    : "never collected it";
  return `Timed out after ${timeout} seconds: the server ${collected}`;
}

/** Until when a run's result is taken, in seconds since 1970. */
export function signalExpiry(run: Pick<Run, "timeout" | "startedAt" | "deadlineAt">): number {
  return run.timeout === null ? run.startedAt + SIGNAL_LIFETIME : run.deadlineAt + SIGNAL_GRACE;
}

/**
 * Whether a result comes too late by its signed link: past the link's own expiry, and past what a time limit that was
 * changed since leaves of the run.
 * @param link the delivery that the link is for, and its expiry in seconds since 1970
 */
export function isTooLate(link: { delivery: number; expires: number }, run: Run, now: Date): boolean {
  const time = epochSeconds(now);
  return link.expires <= time && (link.delivery !== run.delivery || signalExpiry(run) <= time);
}

/**
 * The id under which a deployment's present delivery goes to its server: the same at every poll, another one after
 * every change of what is to be run, since agents run each id once.
 */
export function deliveryId({ id, delivery }: Run): string {
  return uuidv5(String(delivery), id);
}
