import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { softwareDeploymentsTable } from "./config.ts";
import { type DeploymentEvent, newest, TOO_MANY_EVENTS } from "./deployment-event.ts";
import { hasTimedOut } from "./deployment-run.ts";
import { deleteItem, dynamodb, getItem, type Item, isId, putNew, rethrow } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import { markRemoval } from "./server-table.ts";
import { isVisibleTo, type SoftwareDeployment } from "./software-deployment.ts";
import { afterTimeout, type Change, ownEvent, valuesOf } from "./software-deployment-change.ts";
import {
  deploymentOf,
  eventsOf,
  eventText,
  itemOf,
  roomOf,
  SMALL_BYTES,
} from "./software-deployment-item.ts";
import { type Circumstances, updateExpressions } from "./software-deployment-update-item.ts";
import { bytesOf } from "./stored-json.ts";

const TableName = softwareDeploymentsTable();

/** How often a change is tried on a row that others change at the same time. */
const TRIES = 4;

const notFound = (id: string): ServiceError =>
  new ServiceError("not_found", `Deployment with id ${id} not found`);

/**
 * Stores a new deployment with one conditional write.
 * @throws ServiceError `invalid` when its inputs are too large, `unavailable` when DynamoDB does not take it
 */
export const insert = async (deployment: SoftwareDeployment, requestId: string): Promise<void> => {
  const { begun: at, status } = deployment;
  await putNew(
    TableName,
    itemOf(deployment, { at, event: "created", by: "user", request_id: requestId, status }),
  );
};

/** Reads the item of a deployment that the caller may know of. */
const read = async (projectId: string, id: string, delegate?: string): Promise<Item> => {
  const item = await getItem(TableName, { project_id: projectId, id });
  if (!item || !isVisibleTo(deploymentOf(item), delegate)) throw notFound(id);
  return item;
};

/**
 * Reads a deployment.
 * @param delegate the delegated tenant's project, when the caller is one: it sees its own deployments alone
 * @throws ServiceError `not_found`, `unavailable`
 */
export const get = async (projectId: string, id: string, delegate?: string): Promise<SoftwareDeployment> =>
  deploymentOf(await read(projectId, id, delegate));

/**
 * Reads a deployment's history, the oldest event first.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const history = async (
  projectId: string,
  id: string,
): Promise<{ deployment: SoftwareDeployment; events: DeploymentEvent[] }> => {
  const item = await read(projectId, id);
  return { deployment: deploymentOf(item), events: eventsOf(item) };
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

/** Sends a change. @returns the row as it is now; undefined when its condition does not hold */
const send = async (id: string, change: Change, circumstances: Circumstances): Promise<Item | undefined> => {
  const command = new UpdateCommand({
    TableName,
    Key: { project_id: circumstances.projectId, id },
    ...updateExpressions(change, circumstances),
    ReturnValues: "ALL_NEW",
  });
  try {
    const { Attributes } = await dynamodb.send(command);
    return Attributes && (await trimmed(Attributes));
  } catch (error) {
    return error instanceof ConditionalCheckFailedException ? undefined : rethrow(error);
  }
};

/** What is to become of a deployment, given its item too; nothing if undefined. */
type Decide = (deployment: SoftwareDeployment, item: Item) => Promise<Change | undefined>;

/**
 * Changes a deployment according to what it is: reads the row, and writes the change only if the row is still that;
 * else it begins anew. A row past its time limit fails first, which is part of the same write.
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `unavailable`, and what `decide` throws
 */
export const changeAsRead = async (
  id: string,
  decide: Decide,
  circumstances: Circumstances,
): Promise<SoftwareDeployment> => {
  const { projectId, requestId, delegate, now } = circumstances;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const item = await read(projectId, id, delegate);
    const current = deploymentOf(item);
    const change = await decide(current, item);
    // The SDK repeats a write whose answer was lost: the history tells whether this is what it wrote.
    if (!change || eventsOf(item).map(eventText).includes(ownEvent(change))) return current;
    const late = hasTimedOut(current, now) ? afterTimeout(change, current, requestId) : change;
    const row = await send(id, late, { ...circumstances, current });
    if (row) return deploymentOf(row);
  }
  throw new ServiceError("unavailable", "The deployment is being changed by others: try again.");
};

/** Holds a change's larger values against the room that the item has for them. */
const fitting = (change: Change, item: Item): Change => {
  const replaced = Object.keys(valuesOf(change));
  if (bytesOf(valuesOf(change)) <= roomOf(item, replaced)) return change;
  throw new ServiceError("invalid", `${replaced.join(", ")}: too large: a deployment takes at most 400 KB`);
};

/**
 * Changes a deployment with one conditional write: what two callers change at the same time in different
 * fields both stays, and a row that is gone stays gone.
 *
 * Where the condition does not hold, the row is read and the change sent once more, for what the row turned out to
 * be: past its time limit, or changed by a container whose clock is ahead (`updated_time` does not go back). A change
 * with large values reads the row first, to know whether they fit.
 *
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `invalid` when it grows beyond DynamoDB's 400 KB, `unavailable`
 */
export const update = async (
  id: string,
  change: Change,
  circumstances: Circumstances,
): Promise<SoftwareDeployment> => {
  if (!isId(id)) throw notFound(id);
  const row = bytesOf(valuesOf(change)) <= SMALL_BYTES ? await send(id, change, circumstances) : undefined;
  return row ? deploymentOf(row) : changeAsRead(id, async (_, item) => fitting(change, item), circumstances);
};

/**
 * Removes a deployment, and before that tells its server's collector that something changes.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const remove = async (projectId: string, id: string, now: Date): Promise<void> => {
  const { server_id } = await get(projectId, id);
  await markRemoval(projectId, server_id, now);
  if (!(await deleteItem(TableName, { project_id: projectId, id }))) throw notFound(id);
};
