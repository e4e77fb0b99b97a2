import { deleteItem, pauseAfter, putItem } from "../../dynamodb/calls.ts";
import { Expression } from "../../dynamodb/expression.ts";
import { noteRemoval } from "../../server/store.ts";
import { epochSeconds } from "../../times.ts";
import { etagOf, type SoftwareDeployment } from "../deployment.ts";
import { type ChangeContext, MAX_ATTEMPTS, tooManyConflicts } from "./change.ts";
import { deploymentNotFound, findRow } from "./read.ts";
import { type DeploymentRow, decode, isLive, TableName, tombstone } from "./row.ts";

/**
 * Removes a deployment, and before that tells its server's row that something changes. Without a precondition nothing
 * that others change meanwhile is in the way. A deployment that was there and is gone when it is to be removed was
 * removed by this request, whose answer was lost on the way, or by another one: both are a success.
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`
 */
export async function removeDeployment(
  id: string,
  { projectId, now, clock, checkETag }: ChangeContext,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await findRow(projectId, id);
    const isThere = row !== undefined && isLive(row, now);
    if (!isThere && attempt > 1) return;
    if (!isThere) throw deploymentNotFound(id);
    const deployment = decode(row);
    checkETag?.(etagOf(deployment, now));
    await noteRemoval(projectId, deployment.server_id, clock());
    const removed = await removeRow(deployment, now, checkETag && deployment.revision);
    if (removed || !checkETag) return;
    await pauseAfter(attempt);
  }
  throw tooManyConflicts();
}

/**
 * Removes a row that is there. Where its creation may still be repeated, a tombstone keeps its id taken until then.
 * @param revision the one that it must have, if any
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
