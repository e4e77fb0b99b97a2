import { hash } from "node:crypto";
import { hasTimedOut } from "./deployment-run.ts";
import { ServiceError } from "./errors.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { epoch } from "./wire/instant.ts";

/** What an index tells of a deployment: enough to know whether it has changed. Times in seconds since 1970. */
export type DeploymentState = Pick<
  SoftwareDeployment,
  "id" | "revision" | "status" | "deadline" | "changed"
> &
  Pick<Partial<SoftwareDeployment>, "stack_user_project_id">;

/** What tells whether anything has changed for a server. */
export interface ServerState {
  deployments: DeploymentState[];
  /** When a deployment of it last went, in seconds since 1970; 0 for never. */
  changed: number;
  /** From when on its links must be made to be valid, in ms since 1970. */
  linksFrom: number;
}

/**
 * Holds a link against what its server says of links.
 * @param issued when the link was made, in ms since 1970
 * @throws ServiceError `unauthorized` when it was revoked
 */
export const checkLink = ({ linksFrom }: ServerState, issued: number): void => {
  if (issued < linksFrom)
    throw new ServiceError("unauthorized", "Authorization failed: the link was revoked.");
};

/** How old a change must be before a time stands for it, in seconds: the collector compares whole seconds. */
const SETTLED = 5;

const entityTag = ({ deployments, changed }: ServerState, version: string, now: Date): string => {
  const state = deployments.map((row) => [row.id, row.revision, hasTimedOut(row, now)]);
  return `"${hash("sha256", JSON.stringify([version, changed, state]), "base64url").slice(0, 22)}"`;
};

const lastModified = ({ deployments, changed }: ServerState, now: Date): Date | undefined => {
  const times = deployments.map((row) =>
    hasTimedOut(row, now) ? Math.max(row.changed, row.deadline) : row.changed,
  );
  const last = Math.max(changed, ...times);
  return last === 0 || epoch(now) - last < SETTLED ? undefined : new Date(last * 1_000);
};

/**
 * By what a server's agent can tell that nothing has changed: a tag, the same until something does, a time limit that
 * passes included; and the time of the last change, once that is 5 s ago.
 * @param version of whatever else goes into the answer
 */
export const validators = (state: ServerState, version: string, now: Date) => ({
  etag: entityTag(state, version, now),
  modified: lastModified(state, now),
});
