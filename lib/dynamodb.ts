import { setTimeout as sleep } from "node:timers/promises";
import {
  ConditionalCheckFailedException,
  type QueryCommandInput,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import * as client from "./dynamodb-client.ts";
import { ServiceError } from "./errors.ts";

/** An item as it is read and written, in plain values. */
export type Item = client.Item;

/** A table's key. */
export interface Key {
  project_id: string;
  id: string;
}

/** A page of what a query found, and the id behind which it goes on; undefined at its end. */
export interface QueryPage<Row = Item> {
  items: Row[];
  position: string | undefined;
}

type WholeQuery = client.Plain<QueryCommandInput>;

/** A query on a table that is yet to be named. */
export type Query = Omit<WholeQuery, "TableName">;

/** What one BatchGetItem takes. */
const BATCH_KEYS = 100;

/** How often what the SDK does not repeat by itself is tried, with pauses that double from 50 ms. */
const TRIES = 5;

const pause = (tries: number) => sleep(50 * 2 ** (tries - 1));

const unavailable = (cause?: unknown): ServiceError =>
  new ServiceError("unavailable", "The storage does not answer at the moment.", { cause });

/** Whether a transaction met another one, or found a partition too busy: nothing of it was written. */
const hasCollided = (error: unknown): boolean =>
  /^Transaction(Canceled|InProgress|Conflict)Exception$/.test((error as Error).name);

/**
 * Rethrows what the SDK threw, after its own retries, in the service's words.
 * @throws ServiceError `unavailable` for throttling, outages and time-outs; anything else as it was
 */
export const rethrow = (error: unknown): never => {
  const fault = error as Parameters<typeof isServerError>[0];
  if (fault.name === "UnknownOperationException") {
    throw new ServiceError("unavailable", "This storage has no transactions, which many at once need.");
  }
  const passes = isThrottlingError(fault) || isTransientError(fault) || isServerError(fault);
  throw passes || hasCollided(error) ? unavailable(error) : error;
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether an id can be one of ours; what cannot is not asked for. */
export const isId = (id: string): boolean => UUID.test(id);

/** Whether a write was refused because its condition did not hold. */
export const isRefused = (
  error: unknown,
): error is ConditionalCheckFailedException | TransactionCanceledException =>
  error instanceof ConditionalCheckFailedException ||
  (error instanceof TransactionCanceledException &&
    (error.CancellationReasons ?? []).some(({ Code }) => Code === "ConditionalCheckFailed"));

/**
 * Puts new items, all of them or none, under ids that were made for them: one conditional write, or one transaction.
 * @param items 1 to 100, of at most 4 MB together
 * @returns whether they were put. A repeat of a write whose answer was lost, by the SDK or by whoever knows the ids,
 *   finds them there.
 * @throws ServiceError `unavailable`, also where the storage has no transactions
 */
export const putNew = async (TableName: string, items: Item[]): Promise<boolean> => {
  const puts = items.map((Item) => ({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
  const [only, second] = puts;
  for (let tries = 1; ; tries += 1) {
    try {
      if (only && second === undefined) await client.putItem(only);
      else await client.putItems(puts);
      return true;
    } catch (error) {
      if (isRefused(error)) return false;
      if (tries === TRIES || !hasCollided(error)) return rethrow(error);
      await pause(tries);
    }
  }
};

/** Reads an item consistently; what cannot be an id is not asked for. @throws ServiceError `unavailable` */
export const getRow = async (TableName: string, key: Key): Promise<Item | undefined> => {
  if (!isId(key.id)) return undefined;
  return client.getItem({ TableName, Key: key, ConsistentRead: true }).catch(rethrow);
};

/** The most items that a query looks at in one page. */
const PAGE = 1_000;

/**
 * The pages of a query, each read when it is asked for.
 * @param query.Limit how many items the first page looks at; later ones look at twice as many as the one before
 */
export async function* queriedPages<Row = Item>(query: WholeQuery): AsyncGenerator<QueryPage<Row>> {
  let { ExclusiveStartKey, Limit } = query;
  do {
    const { items, last } = await client.query({ ...query, ExclusiveStartKey, Limit }).catch(rethrow);
    yield { items: items as Row[], position: last?.id as string | undefined };
    ExclusiveStartKey = last;
    Limit = Limit && Math.min(2 * Limit, PAGE);
  } while (ExclusiveStartKey);
}

/** How many items a query looks at first for `limit` of them, and one more to know whether the list goes on. */
export const firstPage = (limit: number | undefined): number | undefined =>
  limit === undefined ? undefined : Math.min(limit + 1, PAGE);

/** The items of a query, of which their readers know the shape, read page by page as they are asked for. */
export async function* queried<Row = Item>(query: WholeQuery): AsyncGenerator<Row> {
  for await (const { items } of queriedPages<Row>(query)) yield* items;
}

/** The attributes to read of an item; all without any. Each goes by a `#name`, as some names are reserved. */
const projection = (attributes: string[] = []) =>
  attributes.length === 0
    ? {}
    : {
        ProjectionExpression: attributes.map((name) => `#${name}`).join(", "),
        ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
      };

const batch = async (TableName: string, keys: Key[], attributes?: string[]): Promise<Item[]> => {
  const items: Item[] = [];
  const options = { ConsistentRead: true, ...projection(attributes) };
  let Keys: object[] = keys;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await pause(tries);
    const page = await client.batchGetItem(TableName, Keys, options).catch(rethrow);
    items.push(...page.items);
    Keys = page.unprocessed;
    if (Keys.length === 0) return items;
  }
  throw unavailable();
};

/**
 * Reads the items of many keys, consistently, in the keys' order; what is not there is left out.
 * @param attributes which of their attributes; all without it
 * @throws ServiceError `unavailable`
 */
export const batchGet = async (TableName: string, keys: Key[], attributes?: string[]): Promise<Item[]> => {
  const found = new Map<unknown, Item>();
  for (let at = 0; at < keys.length; at += BATCH_KEYS) {
    for (const item of await batch(TableName, keys.slice(at, at + BATCH_KEYS), attributes))
      found.set(item.id, item);
  }
  return keys.map(({ id }) => found.get(id)).filter((item) => item !== undefined);
};
