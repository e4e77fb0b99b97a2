import { referenceConditions, unknownReference } from "../../config/store/references.ts";
import { type ConditionCheck, getItem, type Item, updateChecked, updateItem } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../iso-time.ts";
import { etagOf, type SoftwareDeployment } from "../deployment.ts";
import { keptEvents, MAX_EVENTS, statusBy } from "../history.ts";
import { expiresAt } from "../retention.ts";
import { hasTimedOut } from "../run.ts";
import { afterTimeout, type Change, type ChangeContext, type Changed } from "../transitions.ts";
import { type StoredChange, withStoredValues } from "./item-size.ts";
import { deploymentNotFound, readItem } from "./read.ts";
import { deploymentOf, eventsOf, eventText, TableName } from "./row.ts";
import { updateExpressions } from "./update-expression.ts";

/** How often a change is attempted on a deployment that others change at the same time, before 503 is answered. */
export const MAX_ATTEMPTS = 8;

/**
 * Decides the change of a deployment as it was just read, and its item; undefined leaves it as it is, as does a change
 * by a delegated tenant that names nothing.
 */
export type Decide = (
  deployment: SoftwareDeployment,
  item: Item,
) => Promise<Change | StoredChange | undefined>;

/**
 * Read-modify-write with optimistic locking: reads the deployment, asks `decide`, and writes on condition that the
 * revision is unchanged; else it begins anew, up to `MAX_ATTEMPTS` times. Where the time limit has passed, the same
 * write records that too.
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`, and what `decide` throws
 */
export async function readModifyWrite(id: string, decide: Decide, context: ChangeContext): Promise<Changed> {
  const { projectId, requestId, delegateProjectId, now, clock, checkETag } = context;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { item, deployment: current } = await readItem(projectId, id, now, delegateProjectId);
    if (isRepeat(item, requestId)) return changed(item, requestId);
    const change = await decide(current, item);
    if (!change || (change.events.length === 0 && delegateProjectId !== undefined))
      return { deployment: current };
    checkETag?.(etagOf(current, now));
    if (expiresAt(current) <= epochSeconds(clock())) throw deploymentNotFound(id);
    const withTimeout = hasTimedOut(current, now) ? afterTimeout(change, current, requestId) : change;
    const written = await writeChange(id, withStoredValues(withTimeout), context, current);
    if (written) return changed(written, requestId);
  }
  throw tooManyConflicts();
}

/** Whether this request has changed the deployment already: the SDK repeats a write whose answer was lost. */
function isRepeat(item: Item, requestId: string): boolean {
  return item.touched_by === requestId || eventsOf(item).some(({ request_id }) => request_id === requestId);
}

/** The deployment that an item holds which a request has changed. */
export function changed(item: Item, requestId: string): Changed {
  return { deployment: deploymentOf(item), reached: statusBy(requestId, eventsOf(item)) };
}

/** What is said when others change a deployment again and again. */
export function tooManyConflicts(): ServiceError {
  return new ServiceError("unavailable", "The deployment is being changed by others: try again.");
}

/**
 * Writes a change.
 * @param current the deployment as it was read, if it was: the write then requires the same revision
 * @returns the item as it is now; undefined where the condition does not hold
 * @throws ServiceError `invalid` where it refers to a configuration that is not there, `unavailable`
 */
export async function writeChange(
  id: string,
  change: StoredChange,
  context: ChangeContext,
  current?: SoftwareDeployment,
): Promise<Item | undefined> {
  const { projectId, now } = context;
  const Key = { project_id: projectId, id };
  const update = { TableName, Key, ...updateExpressions(change, context, current) };
  const conditions = referenceConditions(projectId, [change.update.config_id], now);
  const item = await (conditions.length > 0
    ? writeChecked(update, conditions)
    : updateItem({ ...update, ReturnValues: "ALL_NEW" }).then((outcome) => outcome.item));
  if (item) await trimHistory(item);
  return item;
}

/** Writes a change of the configuration together with the condition that it exists; a transaction returns no item. */
async function writeChecked(
  update: Parameters<typeof updateChecked>[0],
  conditions: ConditionCheck[],
): Promise<Item | undefined> {
  const { written, failedCheck } = await updateChecked(update, conditions);
  if (failedCheck) throw unknownReference(failedCheck.Key.id);
  if (!written) return undefined;
  const item = await getItem({ TableName, Key: update.Key, ConsistentRead: true });
  // It may have been removed since.
  return item?.server_key === undefined ? undefined : item;
}

/** Drops the oldest events where there are too many, in a write of its own that may fail. */
async function trimHistory(item: Item): Promise<void> {
  const events = eventsOf(item);
  if (events.length <= MAX_EVENTS) return;
  await updateItem({
    TableName,
    Key: { project_id: item.project_id, id: item.id },
    UpdateExpression: "SET events = :events",
    ConditionExpression: "size(events) = :many",
    ExpressionAttributeValues: { ":events": keptEvents(events).map(eventText), ":many": events.length },
  }).catch(() => undefined);
}
