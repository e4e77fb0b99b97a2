import { softwareDeploymentsTable } from "./config.ts";
import { type DeploymentEvent, newest, TOO_MANY_EVENTS } from "./deployment-event.ts";
import { hasTimedOut } from "./deployment-run.ts";
import { getRow, type Item, isId, isRefused, rethrow } from "./dynamodb.ts";
import { updateItem } from "./dynamodb-client.ts";
import { ServiceError } from "./errors.ts";
import { etagOf, isVisibleTo, type SoftwareDeployment } from "./software-deployment.ts";
import { afterTimeout, type Change, ownEvent, patched, valuesOf } from "./software-deployment-change.ts";
import {
  deploymentOf,
  eventsOf,
  eventText,
  presentIn,
  roomOf,
  SMALL_BYTES,
} from "./software-deployment-item.ts";
import { goneFrom, updatesReadFirst } from "./software-deployment-lifetime-item.ts";
import type { Update } from "./software-deployment-request.ts";
import { type Circumstances, updateExpressions } from "./software-deployment-update-item.ts";
import { bytesOf } from "./stored-json.ts";
import { epoch } from "./wire/instant.ts";

const TableName = softwareDeploymentsTable();

/** How often a change is tried on a row that others change at the same time. */
export const TRIES = 8;

/** What is said of a deployment that is not there, or that the caller may not know of. */
export const notFound = (id: string): ServiceError =>
  new ServiceError("not_found", `Deployment with id ${id} not found`);

/** What is said when others change a deployment again and again. */
export const busy = (): ServiceError =>
  new ServiceError("unavailable", "The deployment is being changed by others: try again.");

/** Reads a deployment that the caller may know of, and its item. */
const read = async (
  projectId: string,
  id: string,
  now: Date,
  delegate?: string,
): Promise<{ item: Item; deployment: SoftwareDeployment }> => {
  const item = await getRow(TableName, { project_id: projectId, id });
  const deployment = presentIn(item, now);
  if (!item || !deployment || !isVisibleTo(deployment, delegate)) throw notFound(id);
  return { item, deployment };
};

/**
 * Reads a deployment.
 * @param delegate the delegated tenant's project, when the caller is one: it sees its own deployments alone
 * @throws ServiceError `not_found`, `unavailable`
 */
export const get = async (
  projectId: string,
  id: string,
  now: Date,
  delegate?: string,
): Promise<SoftwareDeployment> => (await read(projectId, id, now, delegate)).deployment;

/**
 * Reads a deployment's history, the oldest event first.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const history = async (
  projectId: string,
  id: string,
  now: Date,
): Promise<{ deployment: SoftwareDeployment; events: DeploymentEvent[] }> => {
  const { item, deployment } = await read(projectId, id, now);
  return { deployment, events: eventsOf(item) };
};

/** Lets the oldest events go when there are too many, in a write of its own that may fail. */
const trimmed = async (row: Item): Promise<Item> => {
  const events = eventsOf(row);
  if (events.length <= TOO_MANY_EVENTS) return row;
  await updateItem({
    TableName,
    Key: { project_id: row.project_id, id: row.id },
    UpdateExpression: "SET events = :events",
    ConditionExpression: "size(events) = :many",
    ExpressionAttributeValues: { ":events": newest(events).map(eventText), ":many": events.length },
  }).catch(() => undefined);
  return row;
};

/** Sends a change. @returns the row as it is now; undefined when its condition does not hold */
const send = async (id: string, change: Change, circumstances: Circumstances): Promise<Item | undefined> => {
  try {
    const row = await updateItem({
      TableName,
      Key: { project_id: circumstances.projectId, id },
      ...updateExpressions(change, circumstances),
      ReturnValues: "ALL_NEW",
    });
    return row && (await trimmed(row));
  } catch (error) {
    return isRefused(error) ? undefined : rethrow(error);
  }
};

/** What is to become of a deployment, given its item too; nothing if undefined. */
type Decide = (deployment: SoftwareDeployment, item: Item) => Promise<Change | undefined>;

/**
 * Changes a deployment according to what it is: reads the row, and writes the change only if the row is still that;
 * else it begins anew. A row past its time limit fails first, which is part of the same write.
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`, and what `decide` throws
 */
export const changeAsRead = async (
  id: string,
  decide: Decide,
  circumstances: Circumstances,
): Promise<SoftwareDeployment> => {
  const { projectId, requestId, delegate, now, clock, expects } = circumstances;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { item, deployment: current } = await read(projectId, id, now, delegate);
    const change = await decide(current, item);
    // The SDK repeats a write whose answer was lost: the history tells whether this is what it wrote.
    if (!change || eventsOf(item).map(eventText).includes(ownEvent(change))) return current;
    expects?.(etagOf(current, now));
    if (goneFrom(current) <= epoch(clock())) throw notFound(id);
    const late = hasTimedOut(current, now) ? afterTimeout(change, current, requestId) : change;
    const row = await send(id, late, { ...circumstances, current });
    if (row) return deploymentOf(row);
  }
  throw busy();
};

/** Holds a change's larger values against the room that the item has for them. */
const fitting = (change: Change, item: Item): Change => {
  const values = valuesOf(change);
  const names = Object.keys(values);
  if (bytesOf(values) <= roomOf(item, names)) return change;
  throw new ServiceError("invalid", `${names.join(", ")}: too large: a deployment takes at most 400 KB`);
};

/**
 * Changes a deployment with one conditional write: what two callers change at the same time in different
 * fields both stays, and a row that is gone stays gone.
 *
 * Where the condition does not hold, the row is read and the change sent once more, for what the row turned out to
 * be: past its time limit, or changed by a container whose clock is ahead (`updated_time` does not go back). The row
 * is read first for a change with large values, to know whether they fit, for one that relies on what is there, and
 * where the end of the row depends on it.
 *
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` when it grows beyond DynamoDB's 400 KB,
 *   `unavailable`
 */
export const update = async (
  id: string,
  change: Change,
  circumstances: Circumstances,
): Promise<SoftwareDeployment> => {
  if (!isId(id)) throw notFound(id);
  const readsFirst = updatesReadFirst || circumstances.expects || bytesOf(valuesOf(change)) > SMALL_BYTES;
  const row = readsFirst ? undefined : await send(id, change, circumstances);
  return row ? deploymentOf(row) : changeAsRead(id, async (_, item) => fitting(change, item), circumstances);
};

/**
 * Changes a deployment by a merge patch (RFC 7396): a read and a conditional write.
 * @returns the deployment as it is now
 * @throws ServiceError as `update` does
 */
export const patch = (id: string, body: Update, circumstances: Circumstances): Promise<SoftwareDeployment> =>
  changeAsRead(
    id,
    async (current, item) => fitting(patched(body, current, circumstances), item),
    circumstances,
  );
