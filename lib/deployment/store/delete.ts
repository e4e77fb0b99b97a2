import { deleteItem, pauseAfter, putItem } from "../../dynamodb/calls.ts";
import { Expression } from "../../dynamodb/expression.ts";
import { noteRemoval } from "../../server/store.ts";
import { epochSeconds } from "../../times.ts";
import { deploymentEtag, type SoftwareDeployment } from "../deployment.ts";
import { type ChangeContext, MAX_ATTEMPTS, tooManyConflicts } from "./change.ts";
import { deploymentNotFound, findRow } from "./read.ts";
import { type DeploymentRow, decode, isLive, TableName, tombstone } from "./row.ts";

/**
 * Removes a deployment, after recording the removal in its server's row. Without `If-Match` the delete needs no
 * revision, so changes by others cannot hold it off. A deployment that disappears after it was read was removed by an
 * earlier attempt, whose answer was lost, or by another request: both are a success.
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`
 */
export async function removeDeployment(
  id: string,
  { projectId, now, clock, form, checkETag }: ChangeContext,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await findRow(projectId, id);
    const isThere = row !== undefined && isLive(row, now);
    if (!isThere && attempt > 1) return;
    if (!isThere) throw deploymentNotFound(id);
    const deployment = decode(row);
    checkETag?.(deploymentEtag(deployment, now, form));
    await noteRemoval(projectId, deployment.server_id, clock());
    const removed = await removeRow(deployment, now, checkETag && deployment.revision);
    if (removed || !checkETag) return;
    await pauseAfter(attempt);
  }
  throw tooManyConflicts();
}

/**
 * Removes an existing row. While its idempotency key is valid, a tombstone replaces it, so that a repeated create
 * cannot use its id again.
 * @param revision the revision that it must have; any if undefined
 * @returns whether the condition held
 */
async function removeRow(
  deployment: SoftwareDeployment,
  now: Date,
  revision: number | undefined,
): Promise<boolean> {
  const { project_id, id, keyExpiresAt } = deployment;
  const row = new Expression<DeploymentRow>();
  const condition = {
    TableName,
    ConditionExpression:
      revision === undefined ? row.exists("revision") : row.compare("revision", "=", revision),
    ...row.placeholders,
  };
  const isRepeatable = keyExpiresAt !== null && keyExpiresAt > epochSeconds(now);
  const { written } = await (isRepeatable
    ? putItem({ ...condition, Item: tombstone(deployment, keyExpiresAt) })
    : deleteItem({ ...condition, Key: { project_id, id } }));
  return written;
}
