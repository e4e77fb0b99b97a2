import { deleteItem } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { isId } from "../../wire/ids.ts";
import { TableName } from "./item.ts";
import { configNotFound, findConfig, forgetConfig } from "./read.ts";

/**
 * Removes a configuration with one write.
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function removeConfig(projectId: string, id: string): Promise<void> {
  forgetConfig(projectId, id);
  if (!isId(id)) throw configNotFound(id);
  const Key = { project_id: projectId, id };
  const { item, attempts } = await deleteItem({ TableName, Key, ReturnValues: "ALL_OLD" });
  // When an earlier attempt's answer was lost, the configuration is gone because that attempt removed it.
  if (!item && attempts === 1) throw configNotFound(id);
}

/**
 * Refuses to remove a configuration that a deployment refers to.
 * @throws ServiceError `conflict`; `not_found` for a configuration that is only referred to, and not stored by this service
 */
export async function throwReferenced(projectId: string, id: string): Promise<never> {
  if (!(await findConfig(projectId, id))) throw configNotFound(id);
  throw new ServiceError("conflict", `Software config with id ${id} can not be deleted as it is referenced.`);
}
