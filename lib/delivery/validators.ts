import { hash } from "node:crypto";
import type { SoftwareDeployment } from "../deployment/deployment.ts";
import { hasTimedOut, isDue, isGivenUp } from "../deployment/run.ts";
import { epochSeconds, FUNCTION_TIMEOUT } from "../times.ts";

/** The part of a deployment that shows whether it has changed. */
export type DeploymentState = Pick<
  SoftwareDeployment,
  "id" | "revision" | "status" | "deadlineAt" | "changedAt"
> & { collected_time?: string | null | undefined; details?: { notBefore?: number | undefined } };

/** The state of a server that its validators are made of. */
export interface ServerState {
  deployments: DeploymentState[];
  /** The time when one of its deployments was last removed or expired, in seconds since 1970; 0 for never. */
  changedAt: number;
  /** The time up to which its links are revoked, in ms since 1970; 0 if none were. */
  linksValidFrom: number;
}

/** The validators of a server's metadata. */
export interface MetadataValidators {
  etag: string;
  /** Undefined while the last change is younger than `LAST_MODIFIED_DELAY`. */
  lastModified: Date | undefined;
}

/** The assumed upper bound of an index's lag behind its table, in seconds. */
const INDEX_LAG = 5;

/**
 * The age of the last change from which Last-Modified is sent, in seconds. The header has whole seconds, a write may
 * take effect as late as its function's timeout, and the index may lag: from this age on, no unseen change can have the
 * same second.
 */
const LAST_MODIFIED_DELAY = 1 + FUNCTION_TIMEOUT + INDEX_LAG;

/**
 * The validators (RFC 9110) of a server's metadata: an ETag, which changes with every change, every time limit that
 * passes and every `not_before` that comes, and the time of the last of these. Being collected is no change, but decides
 * whether a deployment that has failed is left out.
 * @param version a text that changes with everything else in the response
 */
export function validatorsOf(
  { deployments, changedAt }: ServerState,
  version: string,
  now: Date,
): MetadataValidators {
  const rows: [id: string, revision: number, timedOut: boolean, isGivenUp: boolean, isDue: boolean][] = [];
  let last = changedAt;
  for (const deployment of deployments) {
    const { id, revision, changedAt: changed, details: { notBefore = 0 } = {} } = deployment;
    const timedOut = hasTimedOut(deployment, now);
    const due = isDue({ notBefore }, now);
    rows.push([id, revision, timedOut, isGivenUp(deployment, now), due]);
    last = Math.max(last, changed, timedOut ? deployment.deadlineAt : 0, due ? notBefore : 0);
  }
  const digest = hash("sha256", JSON.stringify([version, changedAt, rows]), "base64url");
  const isSettled = last > 0 && epochSeconds(now) - last >= LAST_MODIFIED_DELAY;
  return {
    etag: `"${digest.slice(0, 22)}"`,
    lastModified: isSettled ? new Date(last * 1_000) : undefined,
  };
}
