import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { softwareDeploymentsTable } from "./config.ts";
import { type Actor, type DeploymentEvent, newest, TOO_MANY_EVENTS } from "./deployment-event.ts";
import { hasTimedOut } from "./deployment-run.ts";
import { deleteItem, dynamodb, getItem, type Item, isId, putNew, rethrow } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import { markChanged } from "./server-table.ts";
import { isVisibleTo, type SoftwareDeployment } from "./software-deployment.ts";
import {
  afterTimeout,
  type Change,
  type Circumstances,
  updateExpressions,
} from "./software-deployment-change.ts";
import { deploymentOf, eventsOf, eventText, itemOf } from "./software-deployment-item.ts";
import type { UpdateRequest } from "./software-deployment-request.ts";
import { type Attributes, bytesOf, MAX_ITEM_BYTES } from "./stored-json.ts";
import { epoch } from "./wire/instant.ts";

const TableName = softwareDeploymentsTable();

/** What an item needs beside its values for its history at its longest and for times, in bytes. */
const HISTORY_BYTES = 34_816;

/** A result that is reported of a run. */
export interface Report {
  /** Which delivery was run; the present one when it is not known. */
  delivery?: number;
  by: Actor;
  resultOf: (deployment: SoftwareDeployment, room: number) => Promise<UpdateRequest>;
}

const notFound = (id: string): ServiceError =>
  new ServiceError("not_found", `Deployment with id ${id} not found`);

const tooLarge = (field: string): ServiceError =>
  new ServiceError("invalid", `${field}: too large: a deployment takes at most 400 KB`);

/**
 * Stores a new deployment with one conditional write, which recognizes its own repeat.
 * @throws ServiceError `invalid` when the item would pass DynamoDB's 400 KB, `unavailable` when DynamoDB does
 *   not take it
 */
export const insert = async (deployment: SoftwareDeployment, requestId: string): Promise<void> => {
  const created = { at: deployment.begun, event: "created", by: "user", request_id: requestId } as const;
  const events = [eventText({ ...created, status: deployment.status })];
  await putNew(TableName, { ...itemOf(deployment), events }, requestId);
};

/**
 * Reads a deployment.
 * @param delegate the delegated tenant's project, when the caller is one: it sees its own deployments alone
 * @throws ServiceError `not_found`, `unavailable`
 */
export const get = async (projectId: string, id: string, delegate?: string): Promise<SoftwareDeployment> => {
  const item = await getItem(TableName, { project_id: projectId, id });
  if (!item || !isVisibleTo(deploymentOf(item), delegate)) throw notFound(id);
  return deploymentOf(item);
};

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.name === "ValidationException" && /item size/i.test(error.message);

/** Sends a change. @returns the row as it is now; undefined when its condition does not hold */
const send = async (id: string, change: Change, circumstances: Circumstances): Promise<Item | undefined> => {
  const command = new UpdateCommand({
    TableName,
    Key: { project_id: circumstances.projectId, id },
    ...updateExpressions(change, circumstances),
    ReturnValues: "ALL_NEW",
  });
  try {
    return (await dynamodb.send(command)).Attributes;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    if (isTooLarge(error)) throw tooLarge("output_values");
    return rethrow(error);
  }
};

/** Bytes that an item has left for outputs and reason, beside its history at its longest. */
const roomOf = (item: Item): number => {
  const { output_values: _, status_reason: __, events: ___, ...rest } = item;
  const history = eventsOf(item).reduce((sum, event) => sum + eventText(event).length + 2, 2_048);
  return MAX_ITEM_BYTES - bytesOf(rest as Attributes) - Math.max(HISTORY_BYTES, history);
};

/** Lets the oldest events go when there are too many, in a write of its own that may fail. */
const trimmed = async (row: Item): Promise<Item> => {
  const events = eventsOf(row);
  if (events.length <= TOO_MANY_EVENTS) return row;
  const trim = new UpdateCommand({
    TableName,
    Key: { project_id: row.project_id, id: row.id },
    UpdateExpression: "SET events = :events",
    ConditionExpression: "size(events) = :many",
    ExpressionAttributeValues: { ":events": newest(events).map(eventText), ":many": events.length },
  });
  await dynamodb.send(trim).catch(() => undefined);
  return row;
};

/**
 * Changes a deployment with one conditional write: what two callers change at the same time in different
 * fields both stays, and a row that is gone stays gone.
 *
 * Where the condition does not hold, the row is read and the change sent once more, for what the row turned out to
 * be: past its time limit, or changed by a container whose clock is ahead (`updated_time` does not go back).
 *
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `invalid` when it grows beyond DynamoDB's 400 KB, `unavailable`
 */
export const update = async (
  id: string,
  change: Change,
  circumstances: Circumstances,
): Promise<SoftwareDeployment> => {
  const { projectId, requestId, delegate, now } = circumstances;
  if (!isId(id)) throw notFound(id);
  const changed = await send(id, change, circumstances);
  if (changed) return deploymentOf(await trimmed(changed));
  for (let tries = 0; tries < 3; tries += 1) {
    const item = await getItem(TableName, { project_id: projectId, id });
    const current = item && deploymentOf(item);
    if (!current || !isVisibleTo(current, delegate)) throw notFound(id);
    // The SDK repeated a write whose answer was lost: this is what it wrote.
    if (item.request_id === requestId) return current;
    const late = hasTimedOut(current, now) ? afterTimeout(change, current, requestId) : change;
    const row = await send(id, late, { ...circumstances, current });
    if (row) return deploymentOf(await trimmed(row));
  }
  throw new ServiceError("unavailable", "The deployment is being changed by others: try again.");
};

/**
 * Reads a deployment's history, the oldest event first.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const history = async (
  projectId: string,
  id: string,
): Promise<{ deployment: SoftwareDeployment; events: DeploymentEvent[] }> => {
  const item = await getItem(TableName, { project_id: projectId, id });
  if (!item) throw notFound(id);
  return { deployment: deploymentOf(item), events: eventsOf(item) };
};

/**
 * Writes a run's result, if the run is still in progress: the first result counts, and one that comes after the time
 * limit or for an older delivery does not.
 * @param resultOf the result, given the deployment and the bytes that its item has left for outputs and reason
 * @throws ServiceError `not_found`, `unavailable`
 */
export const report = async (
  id: string,
  { delivery, by, resultOf }: Report,
  circumstances: Circumstances,
): Promise<void> => {
  const { projectId, requestId, delegate, now } = circumstances;
  for (let tries = 0; tries < 4; tries += 1) {
    const item = await getItem(TableName, { project_id: projectId, id });
    const current = item && deploymentOf(item);
    if (!current || !isVisibleTo(current, delegate)) throw notFound(id);
    const counts = delivery === undefined || delivery === current.delivery;
    if (!counts || current.status !== "IN_PROGRESS" || hasTimedOut(current, now)) return;
    const update = await resultOf(current, roomOf(item));
    const event = {
      at: epoch(now),
      event: "signalled",
      by,
      request_id: requestId,
      ...(update.status && { status: update.status }),
    } as const;
    const change: Change = { update, events: [event] };
    // Only the row as it was read: its time does not go back, and its room is what it was.
    const row = await send(id, change, { ...circumstances, current });
    if (row) return void (await trimmed(row));
  }
  throw new ServiceError("unavailable", "The deployment is being changed by others: try again.");
};

/**
 * Removes a deployment with one write, and with a second one tells its server's collector that something changed.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const remove = async (projectId: string, id: string, now: Date): Promise<void> => {
  const removed = await deleteItem(TableName, { project_id: projectId, id });
  if (!removed) throw notFound(id);
  // Whether or not the collector hears of it at once, the deployment is removed.
  if (removed.server_id) {
    await markChanged(projectId, String(removed.server_id), now).catch(() => undefined);
  }
};
