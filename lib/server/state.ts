import { hash } from "node:crypto";
import type { SoftwareDeployment } from "../deployment/deployment.ts";
import { hasTimedOut } from "../deployment/run.ts";
import { ServiceError } from "../errors.ts";
import { epochSeconds } from "../wire/time.ts";

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
  /** When its links were last revoked, in ms since 1970; 0 for never. */
  linksFrom: number;
}

/** How old a change must be before a whole second stands for it, in seconds: a write may be 4 s old when it lands. */
const SETTLED = 5;

/**
 * Checks that a server's link was not revoked.
 * @param issued when the link was made, in ms since 1970
 * @throws ServiceError `unauthorized` when it was
 */
export function checkNotRevoked({ linksFrom }: ServerState, issued: number): void {
  if (issued < linksFrom)
    throw new ServiceError("unauthorized", "Authorization failed: the link was revoked.");
}

/**
 * The validators (RFC 9110) of what a server is told: an ETag, another one after every change and every time limit
 * that passes; and the time of the last change, once that is 5 s ago.
 * @param version of whatever else goes into the response
 */
export function validatorsOf(
  state: ServerState,
  version: string,
  now: Date,
): { etag: string; lastModified: Date | undefined } {
  return { etag: etagOf(state, version, now), lastModified: lastModified(state, now) };
}

function etagOf({ deployments, changedAt }: ServerState, version: string, now: Date): string {
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
