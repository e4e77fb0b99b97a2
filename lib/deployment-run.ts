import { v5 as uuidv5 } from "uuid";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { epoch } from "./wire/instant.ts";

/** Whether a deployment has run into its time limit. */
export const hasTimedOut = (
  { status, deadline }: Pick<SoftwareDeployment, "status" | "deadline">,
  now: Date,
): boolean => status === "IN_PROGRESS" && deadline <= epoch(now);

/** What a deployment that ran into its time limit says of it. */
export const timedOutReason = ({ timeout, collected_time }: SoftwareDeployment): string =>
  `Timed out after ${timeout} seconds: the server ` +
  (collected_time ? `collected it at ${collected_time} but sent no result` : "never collected it");

/** A deployment as it is at a time: one in progress past its limit has failed, whether or not that is written. */
export const asOf = (deployment: SoftwareDeployment, now: Date): SoftwareDeployment =>
  hasTimedOut(deployment, now)
    ? { ...deployment, status: "FAILED", status_reason: timedOutReason(deployment) }
    : deployment;

/** Seconds that a signal may come after the deadline, or after the beginning of a run without one. */
const SIGNAL_GRACE = 3_600;
const SIGNAL_LIFE = 30 * 86_400;

/** Until when a run's result may be signalled, in seconds since 1970: fixed when the run begins. */
export const signalExpiry = ({ timeout, begun, deadline }: SoftwareDeployment): number =>
  timeout === null ? begun + SIGNAL_LIFE : deadline + SIGNAL_GRACE;

/**
 * The id under which a deployment's present delivery goes to its server: the same at every poll, another one
 * after every change of what is to be run, since agents run each id once.
 */
export const deliveryId = ({ id, delivery }: SoftwareDeployment): string => uuidv5(String(delivery), id);
