import { hash } from "node:crypto";
import type { SoftwareDeployment } from "../deployment/deployment.ts";
import { hasTimedOut } from "../deployment/run.ts";
import { ServiceError } from "../errors.ts";
import { epochSeconds } from "../iso-time.ts";
import { FUNCTION_TIMEOUT } from "../times.ts";

/** What of a deployment tells whether it has changed. */
export type DeploymentState = Pick<
  SoftwareDeployment,
  "id" | "revision" | "status" | "deadlineAt" | "changedAt"
>;

/** What tells whether anything has changed for a server. */
export interface ServerState {
  deployments: DeploymentState[];
  /** When one of its deployments last went, in seconds since 1970; 0 for never. */
  changedAt: number;
  /** Links that were made until then are revoked, in ms since 1970; 0 where none was. */
  linksValidFrom: number;
}

/** How far the index by which a server's state is read is taken to be behind its table at most, in seconds. */
const INDEX_LAG = 5;

/**
 * How old the last change must be before Last-Modified is sent, in seconds. It has whole seconds, a write may be as old
 * as a function runs when it lands, and then the index does not have it yet: from this age on, no later write can fall
 * into the same second and not have been seen.
 */
const SETTLED = 1 + FUNCTION_TIMEOUT + INDEX_LAG;

/**
 * Checks that a server's link was not revoked.
 * @param issued when the link was made, in ms since 1970
 * @throws ServiceError `unauthorized` when it was
 */
export function checkNotRevoked({ linksValidFrom }: ServerState, issued: number): void {
  if (issued <= linksValidFrom)
    throw new ServiceError("unauthorized", "Authorization failed: the link was revoked.");
}

/**
 * The validators (RFC 9110) of what a server is told: an ETag, another one after every change and every time limit
 * that passes; and the time of the last change, once no later one can have the same.
 * @param version of whatever else goes into the response
 */
export function validatorsOf(
  state: ServerState,
  version: string,
  now: Date,
): { etag: string; lastModified: Date | undefined } {
  return { etag: serverETag(state, version, now), lastModified: lastModified(state, now) };
}

function serverETag({ deployments, changedAt }: ServerState, version: string, now: Date): string {
  const rows = deployments.map((row) => [row.id, row.revision, hasTimedOut(row, now)]);
  const digest = hash("sha256", JSON.stringify([version, changedAt, rows]), "base64url");
  return `"${digest.slice(0, 22)}"`;
}

function lastModified({ deployments, changedAt }: ServerState, now: Date): Date | undefined {
  const times = deployments.map((row) =>
    hasTimedOut(row, now) ? Math.max(row.changedAt, row.deadlineAt) : row.changedAt,
  );
  const last = Math.max(changedAt, ...times);
  return last === 0 || epochSeconds(now) - last < SETTLED ? undefined : new Date(last * 1_000);
}
