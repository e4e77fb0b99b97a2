import { hash } from "node:crypto";
import type { SoftwareDeployment } from "../deployment/deployment.ts";
import { hasTimedOut } from "../deployment/run.ts";
import { epochSeconds, FUNCTION_TIMEOUT } from "../times.ts";

/** The part of a deployment that tells whether it has changed. */
export type DeploymentState = Pick<
  SoftwareDeployment,
  "id" | "revision" | "status" | "deadlineAt" | "changedAt"
>;

/** The state of a server, which tells whether anything has changed for it. */
export interface ServerState {
  deployments: DeploymentState[];
  /** When one of its deployments last went, in seconds since 1970; 0 for never. */
  changedAt: number;
  /** Links that were made until then are revoked, in ms since 1970; 0 where none was. */
  linksValidFrom: number;
}

/** The validators of a server's metadata. */
export interface MetadataValidators {
  etag: string;
  lastModified: Date | undefined;
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
 * The validators (RFC 9110) of what a server is told: an ETag, another one after every change and every time limit
 * that passes; and the time of the last change, once no later one can have the same.
 * @param version of whatever else goes into the response
 */
export function validatorsOf(state: ServerState, version: string, now: Date): MetadataValidators {
  const rows = state.deployments.map((row) => [row.id, row.revision, hasTimedOut(row, now)]);
  const digest = hash("sha256", JSON.stringify([version, state.changedAt, rows]), "base64url");
  return { etag: `"${digest.slice(0, 22)}"`, lastModified: lastModified(state, now) };
}

function lastModified({ deployments, changedAt }: ServerState, now: Date): Date | undefined {
  const times = deployments.map((row) =>
    hasTimedOut(row, now) ? Math.max(row.changedAt, row.deadlineAt) : row.changedAt,
  );
  const last = Math.max(changedAt, ...times);
  return last === 0 || epochSeconds(now) - last < SETTLED ? undefined : new Date(last * 1_000);
}
