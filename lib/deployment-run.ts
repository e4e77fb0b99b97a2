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

/** Seconds that a signal may come after the deadline, or after the beginning of a run without one. */
const SIGNAL_GRACE = 3_600;
const SIGNAL_LIFE = 30 * 86_400;

/** Until when a run's result may be signalled, in seconds since 1970: fixed when the run begins. */
export const signalExpiry = ({ timeout, begun, deadline }: Run): number =>
  timeout === null ? begun + SIGNAL_LIFE : deadline + SIGNAL_GRACE;

/**
 * The id under which a deployment's present delivery goes to its server: the same at every poll, another one
 * after every change of what is to be run, since agents run each id once.
 */
export const deliveryId = ({ id, delivery }: Run): string => uuidv5(String(delivery), id);
