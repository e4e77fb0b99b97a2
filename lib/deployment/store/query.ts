import { firstQueryPage, indexKey, type Query, queryPages } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../times.ts";
import type { ListedDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import { type Filter, matchesFilter, type Range } from "../list-query.ts";
import { RETENTION } from "../retention.ts";
import { completeRows, readRows } from "./read.ts";
import {
  AFTER_DEPLOYMENT_IDS,
  attributesOf,
  type DeploymentRow,
  decodeReadable,
  isLive,
  LARGE_VALUES,
  LISTED,
  type ListedRow,
  TableName,
} from "./row.ts";

/** The most pages of a query that a filtered list reads once it has found something, and while it has found nothing. */
const MAX_PAGES = 10;
const MAX_EMPTY_PAGES = 50;

/** The index that a list queries; undefined for the table itself. */
type Index = "by_server" | "by_config" | undefined;

type RowExpression = Expression<DeploymentRow>;

/**
 * Lists a project's deployments by creation: by a consistent query of the table, or for a server or a configuration by
 * an index, which may be a moment behind the table.
 *
 * The number of rows that DynamoDB reads only to filter them out is bounded: a list with filters beyond its key stops
 * after ten pages of the query if it has found something.
 *
 * @returns the id after which it goes on, if it stopped before its end
 * @throws ServiceError `invalid` if nothing is found in fifty pages, `unavailable`
 */
export async function* listDeployments(
  projectId: string,
  filter: Filter,
  range: Range,
  now: Date,
): AsyncGenerator<ListedDeployment, string | undefined> {
  const index = indexFor(filter);
  const query = queryOf(projectId, index, filter, range, now);
  const { server_id, config_id, status, action, waiting } = filter;
  const filters = [server_id, config_id, status, action, waiting].filter((value) => value !== undefined);
  const isFiltered = filters.length > (index ? 1 : 0);
  let [matched, pages] = [0, 0];
  for await (const { rows, position } of queryPages<ListedRow>({ ...query, TableName })) {
    for await (const row of await completed(projectId, index, rows)) {
      const deployment = isLive(row, now) ? decodeReadable(row) : undefined;
      // The index may lag: the row may not match any more.
      if (!deployment || !matchesFilter(deployment, filter, now)) continue;
      matched += 1;
      yield deployment;
    }
    pages += 1;
    if (!isFiltered || position === undefined) continue;
    if (matched > 0 && pages >= MAX_PAGES) return position;
    if (pages >= MAX_EMPTY_PAGES) throw nothingFoundYet(position);
  }
  return undefined;
}

/** The index that leaves the fewest rows to filter. */
function indexFor({ server_id, config_id }: Filter): Index {
  if (server_id !== undefined) return "by_server";
  return config_id === undefined ? undefined : "by_config";
}

/** The rows of a query, with all attributes that a list shows. */
async function completed(
  projectId: string,
  index: Index,
  rows: ListedRow[],
): Promise<ListedRow[] | AsyncGenerator<ListedRow>> {
  if (index === "by_config") return readRows(projectId, rows, listedAttributes(index));
  return index === "by_server" ? completeRows(projectId, rows, LARGE_VALUES, LISTED) : rows;
}

/** The attributes that a list reads: of the index by server if that is queried, else of the table. */
function listedAttributes(index: Index) {
  return [...LISTED, ...(index === "by_server" ? LARGE_VALUES : LARGE_VALUES.flatMap(attributesOf))];
}

function queryOf(projectId: string, index: Index, filter: Filter, range: Range, now: Date): Query {
  const row: RowExpression = new Expression();
  const KeyConditionExpression = all(keyCondition(row, projectId, index, filter), idCondition(row, range));
  const conditions = filterConditions(row, index, filter, now);
  return {
    ...(index && { IndexName: index }),
    // An index cannot be read consistently.
    ConsistentRead: index === undefined,
    KeyConditionExpression,
    ...(conditions.length > 0 && { FilterExpression: all(...conditions) }),
    ProjectionExpression: row.projection(index === "by_config" ? ["id"] : listedAttributes(index)),
    ...row.placeholders,
    ScanIndexForward: range.sort_dir !== "desc",
    Limit: firstQueryPage(range.limit),
  };
}

function keyCondition(
  row: RowExpression,
  projectId: string,
  index: Index,
  { server_id = "", config_id = "" }: Filter,
): string {
  if (index === "by_server") return row.compare("serverKey", "=", indexKey(projectId, server_id));
  if (index === "by_config") return row.compare("configKey", "=", indexKey(projectId, config_id));
  return row.compare("project_id", "=", projectId);
}

/** The condition for the ids of deployments: after a marker, and before the rows of servers and idempotency keys. */
function idCondition(row: RowExpression, { marker, sort_dir }: Range): string {
  if (sort_dir === "desc") return row.compare("id", "<", marker?.toLowerCase() ?? AFTER_DEPLOYMENT_IDS);
  // `!` sorts before all characters of ids, so `id!` is the first text after an id.
  const first = marker === undefined ? "0" : `${marker.toLowerCase()}!`;
  return `${row.name("id")} BETWEEN ${row.value(first)} AND ${row.value(AFTER_DEPLOYMENT_IDS)}`;
}

/** The filter conditions, on attributes that both the table and the index by server have. */
function filterConditions(
  row: RowExpression,
  index: Index,
  { config_id, status, action, waiting }: Filter,
  now: Date,
): string[] {
  // The index by configuration has only keys.
  if (index === "by_config") return [];
  return [
    // Tombstones are only in the table.
    ...(index === undefined ? [row.exists("serverKey")] : []),
    ...liveConditions(row, now),
    ...(config_id === undefined ? [] : [row.compare("config_id", "=", config_id)]),
    ...(waiting === "true" ? [row.compare("details.notBefore", ">", epochSeconds(now))] : []),
    ...(action === undefined ? [] : [row.compare("action", "=", action)]),
    ...(status === undefined ? [] : [statusCondition(row, status, now)]),
  ];
}

/** The condition for a status as callers see it: past its time limit a deployment is FAILED. */
function statusCondition(row: RowExpression, status: Status, now: Date): string {
  const isStatus = row.compare("status", "=", status);
  if (status === "COMPLETE") return isStatus;
  const timedOut = all(
    row.compare("status", "=", "IN_PROGRESS"),
    row.compare("deadlineAt", "<=", epochSeconds(now)),
  );
  return status === "FAILED" ? `(${isStatus} OR (${timedOut}))` : `(${isStatus} AND NOT (${timedOut}))`;
}

/** The conditions that a deployment has not expired (`expiresAt`); none if the stage has no retention. */
function liveConditions(row: RowExpression, now: Date): string[] {
  if (RETENTION === undefined) return [];
  const keptFrom = epochSeconds(now) - RETENTION;
  const isRunning = all(row.compare("status", "=", "IN_PROGRESS"), row.compare("deadlineAt", ">", keptFrom));
  return [`(${row.compare("changedAt", ">", keptFrom)} OR (${isRunning}))`];
}

function nothingFoundYet(position: string): ServiceError {
  return new ServiceError(
    "invalid",
    `Nothing up to ${position} is what was asked for: go on from there (marker=${position}), or name a server_id or config_id.`,
  );
}
