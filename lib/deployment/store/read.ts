import { BATCH_KEYS, batchGet, getItem, indexKey, queryPages } from "../../dynamodb/calls.ts";
import { Expression, type PathOf } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { SERVER_STATE, type ServerRow } from "../../server/row.ts";
import { isId } from "../../shapes.ts";
import { isVisibleTo, type SoftwareDeployment } from "../deployment.ts";
import {
  AFTER_DEPLOYMENT_IDS,
  attributesOf,
  DELIVERED,
  type DeliveredRow,
  type DeploymentRow,
  decode,
  isIncomplete,
  isLive,
  type LargeAttributes,
  type LargeValue,
  STATE,
  TableName,
} from "./row.ts";

/**
 * Reads a deployment, consistently, and its row.
 * @param delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function readDeployment(
  projectId: string,
  id: string,
  now: Date,
  delegateProjectId?: string,
): Promise<{ row: DeploymentRow; deployment: SoftwareDeployment }> {
  const row = isId(id) ? await getItem<DeploymentRow>(TableName, { project_id: projectId, id }) : undefined;
  if (!row || !isLive(row, now)) throw deploymentNotFound(id);
  if (delegateProjectId !== undefined && !isVisibleTo(row.details, delegateProjectId))
    throw deploymentNotFound(id);
  return { row, deployment: decode(row) };
}

/** Reads a row, consistently; undefined, without a call, where the id cannot be one. @throws ServiceError `unavailable` */
export async function findRow(projectId: string, id: string): Promise<DeploymentRow | undefined> {
  return isId(id) ? getItem<DeploymentRow>(TableName, { project_id: projectId, id }) : undefined;
}

/**
 * Reads the rows that an index has found, consistently, a hundred at a time.
 * @param attributes the attributes to read; all without it
 * @throws ServiceError `unavailable`
 */
export async function* readRows<Row extends { id: string }>(
  projectId: string,
  found: { id: string }[],
  attributes: readonly PathOf<DeploymentRow>[],
): AsyncGenerator<Row> {
  for (let at = 0; at < found.length; at += BATCH_KEYS) {
    const keys = found.slice(at, at + BATCH_KEYS).map(({ id }) => ({ project_id: projectId, id }));
    yield* await batchGet<Row>(TableName, keys, attributes);
  }
}

/**
 * The rows of entries that the index by server has: entries as they are, and where one lacks a value that is too large
 * for the index, the row, read consistently. What is gone since is left out.
 * @param values those that are needed of the values that may be large
 * @param attributes the attributes that are needed beside these
 * @throws ServiceError `unavailable`
 */
export async function completeRows<Row extends { id: string } & Partial<LargeAttributes>>(
  projectId: string,
  entries: Row[],
  values: readonly LargeValue[],
  attributes: readonly PathOf<DeploymentRow>[],
): Promise<Row[]> {
  const incomplete = entries.filter((entry) => isIncomplete(entry, values));
  if (incomplete.length === 0) return entries;
  const paths = [...new Set([...attributes, ...values.flatMap(attributesOf)])];
  const rows = await Array.fromAsync(readRows<Row>(projectId, incomplete, paths));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const complete = entries.map((entry) => (incomplete.includes(entry) ? byId.get(entry.id) : entry));
  return complete.filter((row) => row !== undefined);
}

/** A server as one read of the index by server finds it: a moment behind the table, but all of it at the same time. */
export interface ServerRows {
  /** The server's own row, where it has one. */
  server: Partial<ServerRow>;
  /** The rows of its deployments, by creation, past their retention or not. */
  rows: DeliveredRow[];
}

/**
 * Reads a server and its deployments by one query of the index by server. The table itself is not read.
 * @param stateAlone leaves out what its metadata are made of
 * @throws ServiceError `unavailable`
 */
export async function queryServer(
  projectId: string,
  serverId: string,
  stateAlone: boolean,
): Promise<ServerRows> {
  const row = new Expression<DeploymentRow & ServerRow>();
  const query = {
    TableName,
    IndexName: "by_server",
    KeyConditionExpression: row.compare("serverKey", "=", indexKey(projectId, serverId)),
    ProjectionExpression: row.projection([...(stateAlone ? STATE : DELIVERED), ...SERVER_STATE]),
    ...row.placeholders,
  };
  const found: (DeliveredRow & Partial<ServerRow>)[] = [];
  for await (const { rows } of queryPages<DeliveredRow & Partial<ServerRow>>(query)) found.push(...rows);
  const server = found.find(({ id }) => id > AFTER_DEPLOYMENT_IDS) ?? {};
  return { server, rows: found.filter((one) => one !== server) };
}

/** The error for a deployment that is not there, or that the caller may not know of. */
export function deploymentNotFound(id: string): ServiceError {
  return new ServiceError("not_found", `Deployment with id ${id} not found`);
}
