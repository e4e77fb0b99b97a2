import { deleteItem, getById, putItem, type WriteOutcome } from "../../dynamodb/calls.ts";
import { noteRemoval } from "../../server/store.ts";
import { etagOf, type SoftwareDeployment } from "../deployment.ts";
import type { ChangeContext } from "../transitions.ts";
import { MAX_ATTEMPTS, tooManyConflicts } from "./change.ts";
import { deploymentNotFound } from "./read.ts";
import { liveDeployment, TableName, tombstone } from "./row.ts";

/**
 * Removes a deployment, and before that tells its server's collector that something changes. Where its creation may
 * still be repeated, a tombstone keeps its id taken until then.
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`
 */
export async function removeDeployment(
  id: string,
  { projectId, now, clock, checkETag }: Pick<ChangeContext, "projectId" | "now" | "clock" | "checkETag">,
): Promise<void> {
  let mayBeOurs = false;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const current = liveDeployment(await getById(TableName, { project_id: projectId, id }), now);
    // The SDK repeats a removal whose answer was lost, and finds nothing left.
    if (!current && mayBeOurs) return;
    if (!current) throw deploymentNotFound(id);
    checkETag?.(etagOf(current, now));
    await noteRemoval(projectId, current.server_id, clock());
    const { written, attempts } = await removeRow(current, now);
    if (written) return;
    mayBeOurs = attempts > 1;
  }
  throw tooManyConflicts();
}

/** Removes a row, if it is still as it was read. */
function removeRow(current: SoftwareDeployment, now: Date): Promise<WriteOutcome> {
  const { project_id, id, revision } = current;
  const condition = {
    TableName,
    ConditionExpression: "revision = :revision",
    ExpressionAttributeValues: { ":revision": revision },
  };
  const Item = tombstone(current, now);
  return Item ? putItem({ ...condition, Item }) : deleteItem({ ...condition, Key: { project_id, id } });
}
