import { softwareDeploymentsTable } from "./config.ts";
import { batchGet, firstPage, type Item, isId, type Query, queriedPages } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import {
  type Filter,
  type FilterExpression,
  filterExpression,
  matches,
} from "./software-deployment-filter-item.ts";
import { BEHIND_IDS, configKey, presentIn, serverKey } from "./software-deployment-item.ts";

const TableName = softwareDeploymentsTable();

/** How many rows of an index are looked up at a time. */
const LOOK_UP = 100;

/** How many pages of a query a filtered list looks at, and how many when it has found nothing yet. */
const PAGES = 10;
const FRUITLESS_PAGES = 50;

/** Where a list begins, which way it goes, and how much of it will be read. */
export interface From {
  /** Behind this id, which need not be there any more; at the first without it. */
  marker?: string | undefined;
  /** By creation: the oldest first, unless it says `desc`. */
  sort_dir?: "asc" | "desc" | undefined;
  /** How many will be read, where that is known. */
  limit?: number | undefined;
}

/** The part of a key that holds deployments' ids: behind a marker, and before the rows of servers and of keys. */
const ids = ({ marker, sort_dir }: From) =>
  sort_dir === "desc"
    ? { condition: "id < :last", values: { ":last": marker?.toLowerCase() ?? BEHIND_IDS } }
    : {
        condition: "id BETWEEN :first AND :last",
        // A text is behind another that it begins with.
        values: { ":first": marker === undefined ? "0" : `${marker.toLowerCase()}!`, ":last": BEHIND_IDS },
      };

/** The table's own key, or the index whose key leaves the least to be filtered. */
const keyOf = (projectId: string, { server_id, config_id }: Filter): [condition: string, Query] => {
  if (server_id !== undefined) {
    const ExpressionAttributeValues = { ":key": serverKey(projectId, server_id) };
    return ["server_key = :key", { IndexName: "by_server", ExpressionAttributeValues }];
  }
  if (config_id !== undefined) {
    const ExpressionAttributeValues = { ":key": configKey(projectId, config_id) };
    return ["config_key = :key", { IndexName: "by_config", ExpressionAttributeValues }];
  }
  return ["project_id = :key", { ConsistentRead: true, ExpressionAttributeValues: { ":key": projectId } }];
};

const NOTHING: FilterExpression = { expression: [], names: {}, values: {} };

const queryOf = (projectId: string, filter: Filter, from: From, now: Date): Query => {
  const [key, query] = keyOf(projectId, filter);
  const { condition, values } = ids(from);
  // The index by configuration holds nothing but keys.
  const {
    expression,
    names,
    values: filtered,
  } = query.IndexName === "by_config" ? NOTHING : filterExpression(filter, now);
  // What is left of removed deployments stands in the table alone.
  const conditions = query.IndexName ? expression : ["attribute_exists(server_id)", ...expression];
  return {
    ...query,
    KeyConditionExpression: `${key} AND ${condition}`,
    ...(conditions.length > 0 && { FilterExpression: conditions.join(" AND ") }),
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ExpressionAttributeValues: { ...query.ExpressionAttributeValues, ...values, ...filtered },
    ScanIndexForward: from.sort_dir !== "desc",
    Limit: firstPage(from.limit),
  };
};

/** As many rows of an index at a time as are looked up at once. */
export function* portions<Row>(rows: Row[]): Generator<Row[]> {
  for (let at = 0; at < rows.length; at += LOOK_UP) yield rows.slice(at, at + LOOK_UP);
}

/** Reads the rows that an index has found, consistently. @param attributes which of theirs; all without it */
export const lookedUp = (
  projectId: string,
  rows: { id?: unknown }[],
  attributes?: string[],
): Promise<Item[]> => {
  const keys = rows.map(({ id }) => ({ project_id: projectId, id: id as string }));
  return batchGet(TableName, keys, attributes);
};

const fruitless = (position: string): ServiceError =>
  new ServiceError(
    "invalid",
    `Nothing up to ${position} is what was asked for: go on from there (marker=${position}), or name a server_id or config_id.`,
  );

/**
 * Lists a project's deployments by creation: by consistent queries on the table's own key; those of a server or of a
 * configuration through an index, which may lag behind new ones a moment.
 *
 * What DynamoDB has to look at only to leave it out is bounded: a list that is filtered by more than its key ends
 * after ten pages of the query if it has found anything.
 *
 * @returns where it goes on, when it ended before its end
 * @throws ServiceError `invalid` when nothing is found in fifty pages, `unavailable`
 */
export async function* list(
  projectId: string,
  filter: Filter,
  from: From,
  now: Date,
): AsyncGenerator<SoftwareDeployment, string | undefined> {
  const query = queryOf(projectId, filter, from, now);
  const { server_id, config_id, status, action } = filter;
  const given = [server_id, config_id, status, action].filter((value) => value !== undefined);
  const isFiltered = given.length > (query.IndexName ? 1 : 0);
  let [found, pages] = [0, 0];
  for await (const { items, position } of queriedPages({ ...query, TableName })) {
    for (const portion of portions(items)) {
      // One at a time: values inflate to many times what is stored.
      for (const item of query.IndexName ? await lookedUp(projectId, portion) : portion) {
        const deployment = presentIn(item, now);
        if (!deployment || !matches(deployment, filter, now)) continue;
        found += 1;
        yield deployment;
      }
    }
    pages += 1;
    if (!isFiltered || position === undefined) continue;
    if (found > 0 && pages >= PAGES) return position;
    if (pages >= FRUITLESS_PAGES) throw fruitless(position);
  }
  return undefined;
}

/** Whether a deployment of the project refers to a configuration that is kept; what the index says is confirmed. */
export const isReferenced = async (projectId: string, configId: string, now: Date): Promise<boolean> => {
  if (!isId(configId)) return false;
  const { done } = await list(projectId, { config_id: configId }, { limit: 1 }, now).next();
  return done !== true;
};
