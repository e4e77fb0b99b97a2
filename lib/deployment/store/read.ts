import { BATCH_KEYS, batchGet, getItem, indexKey, queryPages } from "../../dynamodb/calls.ts";
import { Expression, type PathOf } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { SERVER_STATE, type ServerRow, serverRowId } from "../../server/row.ts";
import { isId } from "../../shapes.ts";
import { isVisibleTo, type SoftwareDeployment } from "../deployment.ts";
import {
  AFTER_DEPLOYMENT_IDS,
  attributesOf,
  DELIVERED,
  type DeliveredRow,
  type DeploymentRow,
  decode,
  isLive,
  type LargeAttributes,
  type LargeValue,
  OVERFLOW,
  STATE,
  TableName,
} from "./row.ts";

/** A server and its deployments, as one query of the index by server finds them. */
export interface ServerRows {
  /** The server's own row; empty if it has none. */
  server: Partial<ServerRow>;
  /** The rows of its deployments by creation, including those past their retention. */
  rows: DeliveredRow[];
}

/** A deployment as it was read. */
export interface ReadDeployment {
  row: DeploymentRow;
  deployment: SoftwareDeployment;
  /** The row of the server that was asked for; undefined if it has none. */
  server: ServerRow | undefined;
}

/**
 * Reads a deployment and its row, consistently, by one call.
 * @param options.delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @param options.serverId the server whose own row is read with it
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function readDeployment(
  projectId: string,
  id: string,
  now: Date,
  { delegateProjectId, serverId }: { delegateProjectId?: string | undefined; serverId?: string | undefined },
): Promise<ReadDeployment> {
  if (!isId(id)) throw deploymentNotFound(id);
  const { row, server } = await readRowAndServer(projectId, id, serverId);
  if (!row || !isLive(row, now)) throw deploymentNotFound(id);
  if (delegateProjectId !== undefined && !isVisibleTo(row.details, delegateProjectId))
    throw deploymentNotFound(id);
  return { row, deployment: decode(row), server };
}

/**
 * Reads a row, consistently, whether it is live or not; undefined if there is none.
 * @throws ServiceError `unavailable`
 */
export async function findRow(projectId: string, id: string): Promise<DeploymentRow | undefined> {
  return isId(id) ? getItem<DeploymentRow>(TableName, { project_id: projectId, id }) : undefined;
}

/**
 * Reads from the table the rows of an index's entries, consistently, a hundred at a time. Missing ones are left out.
 * @param attributes the attributes to read
 * @throws ServiceError `unavailable`
 */
export async function* readRows<Row extends { id: string }>(
  projectId: string,
  entries: { id: string }[],
  attributes: readonly PathOf<DeploymentRow>[],
): AsyncGenerator<Row> {
  for (let at = 0; at < entries.length; at += BATCH_KEYS) {
    const keys = entries.slice(at, at + BATCH_KEYS).map(({ id }) => ({ project_id: projectId, id }));
    yield* await batchGet<Row>(TableName, keys, { attributes });
  }
}

/**
 * The entries of the index by server, each one that lacks a value because it is too large for the index replaced by its
 * row from the table, read consistently. Rows that are missing there are left out.
 * @param values the large values that are needed
 * @param attributes the other attributes that are needed
 * @throws ServiceError `unavailable`
 */
export async function completeRows<Row extends { id: string } & Partial<LargeAttributes>>(
  projectId: string,
  entries: Row[],
  values: readonly LargeValue[],
  attributes: readonly PathOf<DeploymentRow>[],
): Promise<Row[]> {
  const incomplete = entries.filter((entry) =>
    values.some((name) => entry[name] === OVERFLOW && entry[`large_${name}`] === undefined),
  );
  if (incomplete.length === 0) return entries;
  const paths = [...new Set([...attributes, ...values.flatMap(attributesOf)])];
  const rows = await Array.fromAsync(readRows<Row>(projectId, incomplete, paths));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const complete = entries.map((entry) => (incomplete.includes(entry) ? byId.get(entry.id) : entry));
  return complete.filter((row) => row !== undefined);
}

/**
 * Reads a server and its deployments by one query of the index by server, which may be a moment behind the table.
 * @param stateAlone reads only the attributes in `STATE`, not those of its metadata
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
  const entries: (DeliveredRow & Partial<ServerRow>)[] = [];
  for await (const { rows } of queryPages<DeliveredRow & Partial<ServerRow>>(query)) entries.push(...rows);
  const server = entries.find(({ id }) => id > AFTER_DEPLOYMENT_IDS) ?? {};
  return { server, rows: entries.filter((entry) => entry !== server) };
}

async function readRowAndServer(
  projectId: string,
  id: string,
  serverId: string | undefined,
): Promise<{ row: DeploymentRow | undefined; server?: ServerRow | undefined }> {
  const key = { project_id: projectId, id };
  if (serverId === undefined) return { row: await getItem<DeploymentRow>(TableName, key) };
  const serverKey = { project_id: projectId, id: serverRowId(serverId) };
  const rows = await batchGet<DeploymentRow | ServerRow>(TableName, [key, serverKey]);
  const isServer = (row: DeploymentRow | ServerRow): row is ServerRow => row.id === serverKey.id;
  return { row: rows.find((row): row is DeploymentRow => !isServer(row)), server: rows.find(isServer) };
}

/** The error for a deployment that does not exist, or that the caller may not know of. */
export function deploymentNotFound(id: string): ServiceError {
  return new ServiceError("not_found", `Deployment with id ${id} not found`);
}
