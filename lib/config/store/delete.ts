import { deleteItem, updateItem } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { isId } from "../../shapes.ts";
import { epochSeconds, FUNCTION_TIMEOUT } from "../../times.ts";
import { configNotFound, findConfig, forgetConfig } from "./read.ts";
import { isNotBeingRemoved, REFERENCES_ARE_CHECKED } from "./references.ts";
import { type ConfigRow, TableName } from "./row.ts";

/** How long a configuration is marked as being removed, in seconds: far longer than a function runs. */
const REMOVAL_SECONDS = 3 * FUNCTION_TIMEOUT;

/** Finds out whether a deployment refers to a configuration. */
export interface References {
  exist: () => Promise<boolean>;
  /** The same, also for deployments that were written so lately that no index has them yet. */
  existIncludingRecent: () => Promise<boolean>;
}

/**
 * Removes a configuration that no deployment refers to. Where references are checked, nothing may refer to it from the
 * moment on that it is looked for references: it is marked, looked for once more, and only then removed. A mark that is
 * left behind ends by itself.
 * @param context.requestId the id of the invocation: whose mark it is
 * @throws ServiceError `not_found`, `conflict` while a deployment refers to it or somebody else is removing it,
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
  // When an earlier attempt's answer was lost, the configuration is gone because that attempt removed it.
  if (!written && attempts === 1) throw configNotFound(id);
}

/** Marks a configuration as being removed by a request, which meets its own mark where an answer was lost. */
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

/**
 * @throws ServiceError `conflict` for a configuration that a deployment refers to; `not_found` for one that is only
 *   referred to, and not stored by this service
 */
async function throwReferenced(projectId: string, id: string): Promise<never> {
  if (!(await findConfig(projectId, id))) throw configNotFound(id);
  throw new ServiceError("conflict", `Software config with id ${id} can not be deleted as it is referenced.`);
}
