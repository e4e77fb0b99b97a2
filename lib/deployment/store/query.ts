import { firstQueryPage, type Item, projection, type Query, queryPages } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../iso-time.ts";
import { serverKey } from "../../server/store.ts";
import type { ListedDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import { type Filter, matches, type Range } from "../list-query.ts";
import { RETENTION } from "../retention.ts";
import { LARGE, placesOf } from "./item-size.ts";
import { readItems, wholeItems } from "./read.ts";
import { BEHIND_IDS, configKey, listedDeployment, TableName } from "./row.ts";

/** How many pages of a query a filtered list looks at, and how many when it has found nothing yet. */
const PAGES = 10;
const FRUITLESS_PAGES = 50;

/** What a list shows of a deployment, or decides by, beside the values that may be large. */
const LISTED = [
  ...["id", "server_key", "config_id", "action", "status", "deadline", "changed", "collected_time"],
  ...["details.creation_time", "details.updated_time", "details.timeout"],
];

/** Conditions on attributes, as DynamoDB takes them. */
interface Conditions {
  expressions: string[];
  names: Record<string, string>;
  values: Item;
}

const TIMED_OUT = "(#status = :in_progress AND deadline <= :now)";

/** The condition for each status as callers see it: what ran into its time limit has failed. */
const STATUS: Record<Status, string> = {
  COMPLETE: "#status = :status",
  FAILED: `(#status = :status OR ${TIMED_OUT})`,
  IN_PROGRESS: `(#status = :status AND NOT ${TIMED_OUT})`,
};

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
  const query = queryOf(projectId, filter, range, now);
  const { server_id, config_id, status, action } = filter;
  const given = [server_id, config_id, status, action].filter((value) => value !== undefined);
  const isFiltered = given.length > (query.IndexName ? 1 : 0);
  let [found, pages] = [0, 0];
  for await (const { items, position } of queryPages({ ...query, TableName })) {
    for await (const item of await itemsOf(projectId, query.IndexName, items)) {
      const deployment = listedDeployment(item, now);
      // An index that lags may have found what matches no longer.
      if (!deployment || !matches(deployment, filter, now)) continue;
      found += 1;
      yield deployment;
    }
    pages += 1;
    if (!isFiltered || position === undefined) continue;
    if (found > 0 && pages >= PAGES) return position;
    if (pages >= FRUITLESS_PAGES) throw fruitless(position);
  }
  return undefined;
}

/** What is read of a deployment for a list. @param index the one that is queried; undefined for the table itself */
function listedAttributes(index?: string): string[] {
  return [...LISTED, ...(index === "by_server" ? LARGE : LARGE.flatMap(placesOf))];
}

/** The items that a query has found, with all that is listed of them. */
async function itemsOf(
  projectId: string,
  index: string | undefined,
  found: Item[],
): Promise<Item[] | AsyncGenerator<Item>> {
  if (index === "by_config") return readItems(projectId, found, listedAttributes());
  return index === "by_server" ? wholeItems(projectId, found, LARGE, LISTED) : found;
}

function queryOf(projectId: string, filter: Filter, range: Range, now: Date): Query {
  const [keyCondition, query] = keyOf(projectId, filter);
  const ids = idRange(range);
  const conditions = conditionsOf(query.IndexName, filter, now);
  const listed = projection(query.IndexName === "by_config" ? ["id"] : listedAttributes(query.IndexName));
  return {
    ...query,
    KeyConditionExpression: `${keyCondition} AND ${ids.condition}`,
    ...(conditions.expressions.length > 0 && { FilterExpression: conditions.expressions.join(" AND ") }),
    ...listed,
    ExpressionAttributeNames: { ...listed?.ExpressionAttributeNames, ...conditions.names },
    ExpressionAttributeValues: {
      ...query.ExpressionAttributeValues,
      ...ids.values,
      ...conditions.values,
    },
    ScanIndexForward: range.sort_dir !== "desc",
    Limit: firstQueryPage(range.limit),
  };
}

/** The table's own key, or that of the index which leaves the least to be filtered. */
function keyOf(projectId: string, { server_id, config_id }: Filter): [condition: string, Query] {
  if (server_id !== undefined) {
    const ExpressionAttributeValues = { ":key": serverKey(projectId, server_id) };
    return ["server_key = :key", { IndexName: "by_server", ExpressionAttributeValues }];
  }
  if (config_id !== undefined) {
    const ExpressionAttributeValues = { ":key": configKey(projectId, config_id) };
    return ["config_key = :key", { IndexName: "by_config", ExpressionAttributeValues }];
  }
  return ["project_id = :key", { ConsistentRead: true, ExpressionAttributeValues: { ":key": projectId } }];
}

/** The part of a key that holds deployments' ids: behind a marker, and before the rows of servers and of keys. */
function idRange({ marker, sort_dir }: Range): { condition: string; values: Item } {
  if (sort_dir === "desc") {
    return { condition: "id < :last", values: { ":last": marker?.toLowerCase() ?? BEHIND_IDS } };
  }
  // `!` sorts before all that ids are made of, so `id!` is the first text behind an id.
  const first = marker === undefined ? "0" : `${marker.toLowerCase()}!`;
  return { condition: "id BETWEEN :first AND :last", values: { ":first": first, ":last": BEHIND_IDS } };
}

/** What DynamoDB checks of each row, on attributes that the table and the index by server have. */
function conditionsOf(IndexName: string | undefined, filter: Filter, now: Date): Conditions {
  // The index by configuration has nothing but keys.
  if (IndexName === "by_config") return { expressions: [], names: {}, values: {} };
  const { config_id, status, action } = filter;
  const live = liveConditions(now);
  return {
    expressions: [
      // Tombstones are in the table alone.
      ...(IndexName === undefined ? ["attribute_exists(server_key)"] : []),
      ...live.expressions,
      ...(config_id === undefined ? [] : ["config_id = :config_id"]),
      ...(action === undefined ? [] : ["#action = :action"]),
      ...(status === undefined ? [] : [STATUS[status]]),
    ],
    names: {
      ...live.names,
      ...(action !== undefined && { "#action": "action" }),
      ...(status && { "#status": "status" }),
    },
    values: {
      ...live.values,
      ...(config_id !== undefined && { ":config_id": config_id }),
      ...(action !== undefined && { ":action": action }),
      ...(status && { ":status": status }),
      ...(status && status !== "COMPLETE" && { ":in_progress": "IN_PROGRESS", ":now": epochSeconds(now) }),
    },
  };
}

/** `expiresAt` of `lib/deployment/retention.ts` as conditions; none on a stage without a retention. */
function liveConditions(now: Date): Conditions {
  if (RETENTION === undefined) return { expressions: [], names: {}, values: {} };
  return {
    expressions: ["(changed > :kept_from OR (#status = :running AND deadline > :kept_from))"],
    names: { "#status": "status" },
    values: { ":kept_from": epochSeconds(now) - RETENTION, ":running": "IN_PROGRESS" },
  };
}

function fruitless(position: string): ServiceError {
  return new ServiceError(
    "invalid",
    `Nothing up to ${position} is what was asked for: go on from there (marker=${position}), or name a server_id or config_id.`,
  );
}
