import { v5 as uuidv5 } from "uuid";
import type { Status } from "./software-deployment-request.ts";
import { epoch } from "./wire/instant.ts";

/** What is known of a deployment's present run. Times in seconds since 1970 unless they are texts. */
export interface Run {
  /** The deployment's own id. */
  id: string;
  status: Status;
  status_reason: string | null;
  /** How often what the server is to run has changed; 0 at first. */
  delivery: number;
  /** The time limit in seconds, where there is one. */
  timeout: number | null;
  /** When the run began, and when it is given up. */
  begun: number;
  deadline: number;
  /** Until when the link of the present delivery takes its result: fixed when the delivery begins. */
  signal_expires: number;
  /** Whether it was ever rerun: what a client derived itself goes out under another id from then on. */
  reran: boolean;
  /** When the server first collected the delivery: ISO 8601. */
  collected_time: string | null;
}

/** Whether a deployment has run into its time limit. */
export const hasTimedOut = ({ status, deadline }: Pick<Run, "status" | "deadline">, now: Date): boolean =>
  status === "IN_PROGRESS" && deadline <= epoch(now);

/** What a deployment that ran into its time limit says of it. */
export const timedOutReason = ({ timeout, collected_time }: Run): string =>
  `Timed out after ${timeout} seconds: the server ` +
  (collected_time ? `collected it at ${collected_time} but sent no result` : "never collected it");

/** A deployment as it is at a time: one in progress past its limit has failed, whether or not that is written. */
export const asOf = <Running extends Run>(deployment: Running, now: Date): Running =>
  hasTimedOut(deployment, now)
    ? { ...deployment, status: "FAILED", status_reason: timedOutReason(deployment) }
    : deployment;

/** How long after its deadline a run's result is still taken, in seconds. */
export const SIGNAL_GRACE = 3_600;

/** How long after its beginning the result of a run without a deadline is taken, in seconds. */
export const SIGNAL_LIFE = 30 * 86_400;

/** Until when a run's result is taken, in seconds since 1970. */
export const signalExpiry = ({
  timeout,
  begun,
  deadline,
}: Pick<Run, "timeout" | "begun" | "deadline">): number =>
  timeout === null ? begun + SIGNAL_LIFE : deadline + SIGNAL_GRACE;

/**
 * Whether a link's result comes too late for its run: past the link's own expiry, and past what a time limit that was
 * changed since leaves of it.
 * @param link the delivery that the link is for, and its expiry in seconds since 1970
 */
export const isTooLate = (link: { delivery: number; expires: number }, run: Run, now: Date): boolean =>
  link.expires <= epoch(now) && (link.delivery !== run.delivery || signalExpiry(run) <= epoch(now));

/**
 * The id under which a deployment's present delivery goes to its server: the same at every poll, another one
 * after every change of what is to be run, since agents run each id once.
 */
export const deliveryId = ({ id, delivery }: Run): string => uuidv5(String(delivery), id);
