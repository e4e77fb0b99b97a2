import { deleteItem, updateItem } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { isId } from "../../shapes.ts";
import { epochSeconds, FUNCTION_TIMEOUT } from "../../times.ts";
import { configNotFound, findConfig, forgetConfig } from "./read.ts";
import { isNotBeingRemoved, REFERENCES_ARE_CHECKED } from "./references.ts";
import { type ConfigRow, TableName } from "./row.ts";

/** The time that a configuration stays marked as being removed, in seconds: far longer than a function runs. */
const REMOVAL_SECONDS = 3 * FUNCTION_TIMEOUT;

/** The search for deployments that refer to a configuration. */
export interface References {
  /** Whether an index has such a deployment. */
  exist: () => Promise<boolean>;
  /** Whether there is one, including deployments written so recently that the index may not have them yet. */
  existIncludingRecent: () => Promise<boolean>;
}

/**
 * Removes a configuration that no deployment refers to. If the stage checks references, no deployment can begin to
 * refer to it meanwhile: it is marked as being removed, searched for references again, and only then removed. A mark
 * that was left behind expires.
 * @param context.requestId the id of the invocation, which owns the mark
 * @throws ServiceError `not_found`, `conflict` while a deployment refers to it or another request is removing it,
 *   `unavailable`
 */
export async function removeConfig(
  projectId: string,
  id: string,
  references: References,
  { requestId, now }: { requestId: string; now: Date },
): Promise<void> {
  if (!isId(id)) throw configNotFound(id);
  if (await references.exist()) return throwReferenced(projectId, id);
  forgetConfig(projectId, id);
  if (!REFERENCES_ARE_CHECKED) return removeUnmarked(projectId, id);
  await mark(projectId, id, requestId, now);
  if (await references.existIncludingRecent()) {
    await unmark(projectId, id, requestId);
    return throwReferenced(projectId, id);
  }
  await removeMarked(projectId, id, requestId);
}

async function removeUnmarked(projectId: string, id: string): Promise<void> {
  const row = new Expression<ConfigRow>();
  const { written, attempts } = await deleteItem({
    TableName,
    Key: { project_id: projectId, id },
    ConditionExpression: row.exists("id"),
    ...row.placeholders,
  });
  // After a retry by the SDK, the earlier attempt may have removed it.
  if (!written && attempts === 1) throw configNotFound(id);
}

/** Marks a configuration as being removed by a request. Its own mark, from a lost answer, is no conflict. */
async function mark(projectId: string, id: string, requestId: string, now: Date): Promise<void> {
  const row = new Expression<ConfigRow>();
  const { written } = await updateItem({
    TableName,
    Key: { project_id: projectId, id },
    UpdateExpression: row.update({
      set: [
        ["removingUntil", epochSeconds(now) + REMOVAL_SECONDS],
        ["removingRequest", requestId],
      ],
    }),
    ConditionExpression: all(row.exists("id"), isNotBeingRemoved(row, now, isMarkedBy(row, requestId))),
    ...row.placeholders,
  });
  if (written) return;
  if (!(await findConfig(projectId, id))) throw configNotFound(id);
  throw new ServiceError("conflict", `Software config with id ${id} is being removed by another request.`);
}

async function unmark(projectId: string, id: string, requestId: string): Promise<void> {
  const row = new Expression<ConfigRow>();
  await updateItem({
    TableName,
    Key: { project_id: projectId, id },
    UpdateExpression: row.update({ remove: ["removingUntil", "removingRequest"] }),
    ConditionExpression: isMarkedBy(row, requestId),
    ...row.placeholders,
  });
}

async function removeMarked(projectId: string, id: string, requestId: string): Promise<void> {
  const row = new Expression<ConfigRow>();
  const { written, attempts } = await deleteItem({
    TableName,
    Key: { project_id: projectId, id },
    ConditionExpression: isMarkedBy(row, requestId),
    ...row.placeholders,
  });
  if (!written && attempts === 1) {
    throw new ServiceError("unavailable", "The configuration is being removed by others: try again.");
  }
}

function isMarkedBy(row: Expression<ConfigRow>, requestId: string): string {
  return row.compare("removingRequest", "=", requestId);
}

/** @throws ServiceError `conflict`; `not_found` if deployments refer to an id that this service does not store */
async function throwReferenced(projectId: string, id: string): Promise<never> {
  if (!(await findConfig(projectId, id))) throw configNotFound(id);
  throw new ServiceError("conflict", `Software config with id ${id} can not be deleted as it is referenced.`);
}
