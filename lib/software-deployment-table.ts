import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { softwareDeploymentsTable } from "./config.ts";
import { deleteItem, dynamodb, getItem, type Item, isId, putNew, rethrow } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import {
  isNewDelivery,
  isVisibleTo,
  type SoftwareDeployment,
  type UpdateRequest,
} from "./software-deployment.ts";
import { configKey, deploymentOf, itemOf } from "./software-deployment-item.ts";
import { type Attributes, bytesOf, MAX_ITEM_BYTES, storedJson } from "./stored-json.ts";
import { instant } from "./wire/instant.ts";

const TableName = softwareDeploymentsTable();

/** A write: which request makes it, and when. */
export interface Write {
  requestId: string;
  now: Date;
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
  const Item = itemOf(deployment);
  if (bytesOf(Item) > MAX_ITEM_BYTES) throw tooLarge("input_values");
  await putNew(TableName, Item, requestId);
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

/** The attributes that an update sets, by name. */
const changesOf = (projectId: string, update: UpdateRequest): Attributes => {
  const { input_values = null, output_values = null, ...plain } = update;
  const changes = { ...plain, ...storedJson({ input_values, output_values }, {}) } as Attributes;
  for (const [name, value] of Object.entries(changes)) {
    if (bytesOf({ [name]: value }) > MAX_ITEM_BYTES) throw tooLarge(name);
  }
  return update.config_id === undefined
    ? changes
    : { ...changes, config_key: configKey(projectId, update.config_id) };
};

/** The one UpdateItem of an update: on a row that is there and visible, not by this request before. */
const updateCommand = (
  Key: Item,
  changes: Attributes,
  redelivers: boolean,
  delegate?: string,
): UpdateCommand => {
  const names = Object.keys(changes);
  const sets = names.map((name) => `#${name} = :${name}`).join(", ");
  return new UpdateCommand({
    TableName,
    Key,
    UpdateExpression: `SET ${sets}${redelivers ? " ADD delivery :one" : ""}`,
    ConditionExpression:
      "attribute_exists(id) AND request_id <> :request_id" +
      " AND (attribute_not_exists(updated_time) OR updated_time <= :updated_time)" +
      (delegate === undefined ? "" : " AND stack_user_project_id = :delegate"),
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(names.map((name) => [`:${name}`, changes[name]])),
      ...(redelivers && { ":one": 1 }),
      ...(delegate !== undefined && { ":delegate": delegate }),
    },
    ReturnValues: "ALL_NEW",
  });
};

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.name === "ValidationException" && /item size/i.test(error.message);

/**
 * Changes a deployment with one conditional write: what two callers change at the same time in different
 * fields both stays, and a row that is gone stays gone.
 * @param delegate the delegated tenant's project, when the caller is one
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `invalid` when it grows beyond DynamoDB's 400 KB, `unavailable`
 */
export const update = async (
  projectId: string,
  id: string,
  request: UpdateRequest,
  { requestId, now }: Write,
  delegate?: string,
): Promise<SoftwareDeployment> => {
  if (!isId(id)) throw notFound(id);
  const changes = { ...changesOf(projectId, request), request_id: requestId };
  const send = async (updated_time: string): Promise<Item | undefined> => {
    const Key = { project_id: projectId, id };
    const command = updateCommand(Key, { ...changes, updated_time }, isNewDelivery(request), delegate);
    try {
      return (await dynamodb.send(command)).Attributes;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      if (isTooLarge(error)) throw tooLarge("output_values" in request ? "output_values" : "input_values");
      return rethrow(error);
    }
  };
  const changed = await send(instant(now));
  if (changed) return deploymentOf(changed);
  const current = await getItem(TableName, { project_id: projectId, id });
  if (!current || !isVisibleTo(deploymentOf(current), delegate)) throw notFound(id);
  // The SDK repeated a write whose answer was lost: this is what it wrote.
  if (current.request_id === requestId) return deploymentOf(current);
  // Another container's clock is ahead of ours: time does not go back.
  const later = await send(current.updated_time as string);
  if (later) return deploymentOf(later);
  throw new ServiceError("unavailable", "The deployment is being changed by others: try again.");
};

/**
 * Removes a deployment with one write.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const remove = async (projectId: string, id: string): Promise<void> => {
  if (!(await deleteItem(TableName, { project_id: projectId, id }))) throw notFound(id);
};
