import { firstQueryPage, indexKey, type Query, queryPages } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../times.ts";
import type { ListedDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import { type Filter, matches, type Range } from "../list-query.ts";
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

/** How many pages of a query a filtered list looks at, and how many when it has found nothing yet. */
const MAX_PAGES = 10;
const MAX_EMPTY_PAGES = 50;

/** The index that a list queries; undefined for the table itself. */
type Index = "by_server" | "by_config" | undefined;

/** A list's own expressions. */
type RowExpression = Expression<DeploymentRow>;

/**
 * Lists a project's deployments by creation: by consistent queries on the table's own key; those of a server or of a
 * configuration through an index, which may be a moment behind.
 *
 * What DynamoDB has to look at only to leave it out is bounded: a list that is filtered by more than its key stops
 * after ten pages of the query if it has found anything.
 *
 * @returns the id behind which it goes on, when it stopped before its end
 * @throws ServiceError `invalid` when nothing is found in fifty pages, `unavailable`
 */
export async function* listDeployments(
  projectId: string,
  filter: Filter,
  range: Range,
  now: Date,
): AsyncGenerator<ListedDeployment, string | undefined> {
  const index = indexFor(filter);
  const query = queryOf(projectId, index, filter, range, now);
  const { server_id, config_id, status, action } = filter;
  const filters = [server_id, config_id, status, action].filter((value) => value !== undefined);
  const isFiltered = filters.length > (index ? 1 : 0);
  let [found, pages] = [0, 0];
  for await (const { rows, position } of queryPages<ListedRow>({ ...query, TableName })) {
    for await (const row of await completed(projectId, index, rows)) {
      const deployment = isLive(row, now) ? decodeReadable(row) : undefined;
      // An index that lags may have found what matches no longer.
      if (!deployment || !matches(deployment, filter, now)) continue;
      found += 1;
      yield deployment;
    }
    pages += 1;
    if (!isFiltered || position === undefined) continue;
    if (found > 0 && pages >= MAX_PAGES) return position;
    if (pages >= MAX_EMPTY_PAGES) throw nothingFoundYet(position);
  }
  return undefined;
}

/** The index that leaves the least to be filtered. */
function indexFor({ server_id, config_id }: Filter): Index {
  if (server_id !== undefined) return "by_server";
  return config_id === undefined ? undefined : "by_config";
}

/** The rows that a query has found, with all that is listed of them. */
async function completed(
  projectId: string,
  index: Index,
  rows: ListedRow[],
): Promise<ListedRow[] | AsyncGenerator<ListedRow>> {
  if (index === "by_config") return readRows(projectId, rows, listedAttributes(index));
  return index === "by_server" ? completeRows(projectId, rows, LARGE_VALUES, LISTED) : rows;
}

/** The attributes that are listed; those of the index by server where that is queried. */
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

/** The part of a key that holds deployments' ids: behind a marker, and before the rows of servers and of keys. */
function idCondition(row: RowExpression, { marker, sort_dir }: Range): string {
  if (sort_dir === "desc") return row.compare("id", "<", marker?.toLowerCase() ?? AFTER_DEPLOYMENT_IDS);
  // `!` sorts before all that ids are made of, so `id!` is the first text behind an id.
  const first = marker === undefined ? "0" : `${marker.toLowerCase()}!`;
  return `${row.name("id")} BETWEEN ${row.value(first)} AND ${row.value(AFTER_DEPLOYMENT_IDS)}`;
}

/** The conditions that DynamoDB checks of each row, on attributes that the table and the index by server have. */
function filterConditions(
  row: RowExpression,
  index: Index,
  { config_id, status, action }: Filter,
  now: Date,
): string[] {
  // The index by configuration has nothing but keys.
  if (index === "by_config") return [];
  return [
    // Tombstones are in the table alone.
    ...(index === undefined ? [row.exists("serverKey")] : []),
    ...liveConditions(row, now),
    ...(config_id === undefined ? [] : [row.compare("config_id", "=", config_id)]),
    ...(action === undefined ? [] : [row.compare("action", "=", action)]),
    ...(status === undefined ? [] : [statusCondition(row, status, now)]),
  ];
}

/** The condition for a status as callers see it: what ran into its time limit has failed. */
function statusCondition(row: RowExpression, status: Status, now: Date): string {
  const isStatus = row.compare("status", "=", status);
  if (status === "COMPLETE") return isStatus;
  const timedOut = all(
    row.compare("status", "=", "IN_PROGRESS"),
    row.compare("deadlineAt", "<=", epochSeconds(now)),
  );
  return status === "FAILED" ? `(${isStatus} OR (${timedOut}))` : `(${isStatus} AND NOT (${timedOut}))`;
}

/** `expiresAt` of `lib/deployment/retention.ts` as conditions; none on a stage without a retention. */
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
