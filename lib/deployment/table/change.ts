import { type Item, updateItem } from "../../dynamodb/calls.ts";
import { type Attributes, bytesOf } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../wire/time.ts";
import { afterTimeout, type Change, type ChangeContext, ownEvent } from "../change.ts";
import { etagOf, type SoftwareDeployment } from "../deployment.ts";
import { MAX_EVENTS, newestEvents } from "../history.ts";
import { expiresAt } from "../retention.ts";
import { hasTimedOut } from "../run.ts";
import { deploymentOf, eventsOf, eventText, hasEvent, roomFor, TableName } from "./item.ts";
import { deploymentNotFound, readItem } from "./read.ts";
import { type StoredChange, updateExpressions, withStoredValues } from "./update-expression.ts";

/** How often a change is tried on a row that others change at the same time. */
export const TRIES = 8;

/** What is to become of a deployment, given its item too; undefined for nothing. */
export type Decide = (deployment: SoftwareDeployment, item: Item) => Promise<Change | undefined>;

/**
 * Changes a deployment according to what it is: reads the row, and writes the change only if the row is still that;
 * else it begins anew. A row past its time limit fails first, as a part of the same write.
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`, and what `decide` throws
 */
export async function changeAsRead(
  id: string,
  decide: Decide,
  context: ChangeContext,
): Promise<SoftwareDeployment> {
  const { projectId, requestId, delegate, now, clock, checkETag } = context;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { item, deployment: current } = await readItem(projectId, id, now, delegate);
    const change = await decide(current, item);
    // The SDK repeats a write whose answer was lost: the history tells whether this is what it wrote.
    if (!change || hasEvent(item, ownEvent(change))) return current;
    checkETag?.(etagOf(current, now));
    if (expiresAt(current) <= epochSeconds(clock())) throw deploymentNotFound(id);
    const whole = hasTimedOut(current, now) ? afterTimeout(change, current, requestId) : change;
    const row = await writeChange(id, withStoredValues(whole), context, current);
    if (row) return deploymentOf(row);
  }
  throw changedByOthers();
}

/** What is said when others change a deployment again and again. */
export function changedByOthers(): ServiceError {
  return new ServiceError("unavailable", "The deployment is being changed by others: try again.");
}

/**
 * The change, where the item has room for its larger values.
 * @throws ServiceError `invalid` where it has not
 */
export function fitting(change: StoredChange, item: Item): StoredChange {
  const values = largeValues(change);
  const names = Object.keys(values);
  if (bytesOf(values) <= roomFor(item, names)) return change;
  throw new ServiceError("invalid", `${names.join(", ")}: too large: a deployment takes at most 400 KB`);
}

/** The values of a change that may be large. */
export function largeValues({ update: { status_reason }, stored }: StoredChange): Attributes {
  return { ...stored, ...(status_reason && { status_reason }) };
}

/**
 * Writes a change.
 * @param current the row as it was read, where it was: the change holds only if it is still that
 * @returns the row as it is now; undefined where the condition does not hold
 */
export async function writeChange(
  id: string,
  change: StoredChange,
  context: ChangeContext,
  current?: SoftwareDeployment,
): Promise<Item | undefined> {
  const { item } = await updateItem({
    TableName,
    Key: { project_id: context.projectId, id },
    ...updateExpressions(change, context, current),
    ReturnValues: "ALL_NEW",
  });
  if (item) await trimHistory(item);
  return item;
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
    ExpressionAttributeValues: { ":events": newestEvents(events).map(eventText), ":many": events.length },
  }).catch(() => undefined);
}
