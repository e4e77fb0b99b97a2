import { BATCH_KEYS, batchGet, getById, type Item } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { isVisibleTo, type SoftwareDeployment } from "../deployment.ts";
import type { DeploymentEvent } from "../history.ts";
import { type LARGE, lacks, placesOf } from "./item-size.ts";
import { eventsOf, liveDeployment, TableName } from "./row.ts";

/**
 * Reads a deployment.
 * @param delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function getDeployment(
  projectId: string,
  id: string,
  now: Date,
  delegateProjectId?: string,
): Promise<SoftwareDeployment> {
  return (await readItem(projectId, id, now, delegateProjectId)).deployment;
}

/**
 * Reads a deployment with its history, the oldest event first.
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function getHistory(
  projectId: string,
  id: string,
  now: Date,
): Promise<{ deployment: SoftwareDeployment; events: DeploymentEvent[] }> {
  const { item, deployment } = await readItem(projectId, id, now);
  return { deployment, events: eventsOf(item) };
}

/** Reads a deployment and its item. @throws ServiceError as `getDeployment` does */
export async function readItem(
  projectId: string,
  id: string,
  now: Date,
  delegateProjectId?: string,
): Promise<{ item: Item; deployment: SoftwareDeployment }> {
  const item = await getById(TableName, { project_id: projectId, id });
  const deployment = liveDeployment(item, now);
  if (!item || !deployment || !isVisibleTo(deployment, delegateProjectId)) throw deploymentNotFound(id);
  return { item, deployment };
}

/**
 * Reads the items that an index has found, consistently, a hundred at a time.
 * @param attributes the names of the attributes to read; all without it
 * @throws ServiceError `unavailable`
 */
export async function* readItems(
  projectId: string,
  rows: { id?: unknown }[],
  attributes?: string[],
): AsyncGenerator<Item> {
  for (let at = 0; at < rows.length; at += BATCH_KEYS) {
    const keys = rows
      .slice(at, at + BATCH_KEYS)
      .map(({ id }) => ({ project_id: projectId, id: id as string }));
    yield* await batchGet(TableName, keys, attributes);
  }
}

/**
 * The items of entries that the index by server has: entries as they are, and where one lacks a value that is too large
 * for the index, the item, read consistently. What is gone since is left out.
 * @param values those that are needed of the values that may be large
 * @param attributes the names of the attributes that are needed beside these
 * @throws ServiceError `unavailable`
 */
export async function wholeItems(
  projectId: string,
  entries: Item[],
  values: readonly (typeof LARGE)[number][],
  attributes: readonly string[],
): Promise<Item[]> {
  const lacking = entries.filter((entry) => lacks(entry, values));
  if (lacking.length === 0) return entries;
  const names = new Set([...attributes, ...values.flatMap(placesOf)]);
  const items = await Array.fromAsync(readItems(projectId, lacking, [...names]));
  const byId = new Map(items.map((item) => [item.id, item]));
  const whole = entries.map((entry) => (lacking.includes(entry) ? byId.get(entry.id) : entry));
  return whole.filter((item) => item !== undefined);
}

/** What is said of a deployment that is not there, or that the caller may not know of. */
export function deploymentNotFound(id: string): ServiceError {
  return new ServiceError("not_found", `Deployment with id ${id} not found`);
}
