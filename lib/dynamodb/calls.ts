import { setTimeout as sleep } from "node:timers/promises";
import type { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DeleteCommand,
  type DeleteCommandInput,
  GetCommand,
  type GetCommandInput,
  PutCommand,
  type PutCommandInput,
  type PutCommandOutput,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { isId } from "../ids.ts";
import { requestSignal } from "../request-signal.ts";
import { client } from "./client.ts";
import { failedCondition, hasCollided, isConditionFailed, rethrow, unavailable } from "./errors.ts";

/** An item: its attributes by their names. */
export type Item = Record<string, unknown>;

/** The key of an item. All tables have the same. */
export interface Key {
  project_id: string;
  id: string;
}

/** One page of a query's items, and the id behind which the query goes on; undefined at its end. */
export interface QueryPage<Row = Item> {
  items: Row[];
  position: string | undefined;
}

/** A query whose table is named later. */
export type Query = Omit<QueryCommandInput, "TableName">;

/** What became of a write. */
export interface WriteOutcome {
  /** Whether its condition held. Where it did not, nothing was written. */
  written: boolean;
  /** The attributes that `ReturnValues` asked for. */
  item: Item | undefined;
  /** How often the SDK sent the call. After more than once, an earlier try may be what the condition met. */
  attempts: number;
}

/** A condition on an item that is not written. */
export type ConditionCheck = { TableName: string; Key: Key; ConditionExpression: string } & Pick<
  UpdateCommandInput,
  "ExpressionAttributeValues"
>;

/** What became of a transaction. */
export interface TransactionOutcome {
  /** Whether all of its conditions held. Where one did not, nothing was written. */
  written: boolean;
  /** The check that failed, if it was one. */
  failedCheck: ConditionCheck | undefined;
}

type TransactItems = NonNullable<TransactWriteCommandInput["TransactItems"]>;

/** The most keys that one BatchGetItem takes. */
export const BATCH_KEYS = 100;

/** The most items that a query looks at in one page. */
const QUERY_PAGE = 1_000;

/** Attempts at what the SDK does not retry: colliding transactions, keys that were left out. */
const MAX_ATTEMPTS = 5;

/** Reads an item. @throws ServiceError `unavailable`, like every call here */
export async function getItem(input: GetCommandInput): Promise<Item | undefined> {
  return (await client.send(new GetCommand(input), untilAnswered()).catch(rethrow)).Item;
}

/** Reads an item by its key, consistently; undefined, without a call, where the id cannot be one of ours. */
export async function getById(TableName: string, key: Key): Promise<Item | undefined> {
  return isId(key.id) ? getItem({ TableName, Key: key, ConsistentRead: true }) : undefined;
}

/**
 * Reads the items of many keys, consistently, in the keys' order. What is not there is left out.
 * @param attributes the names of the attributes to read; all without it
 */
export async function batchGet(TableName: string, keys: Key[], attributes?: string[]): Promise<Item[]> {
  const found = new Map<unknown, Item>();
  for (let at = 0; at < keys.length; at += BATCH_KEYS) {
    for (const item of await batchGetPage(TableName, keys.slice(at, at + BATCH_KEYS), attributes))
      found.set(item.id, item);
  }
  return keys.map(({ id }) => found.get(id)).filter((item) => item !== undefined);
}

/** The items of a query, read page by page as they are asked for. The caller knows their shape. */
export async function* queryItems<Row = Item>(query: QueryCommandInput): AsyncGenerator<Row> {
  for await (const { items } of queryPages<Row>(query)) yield* items;
}

/**
 * The pages of a query, each read when it is asked for.
 * @param query.Limit how many items the first page looks at; each later one looks at twice as many as the one before
 */
export async function* queryPages<Row = Item>(query: QueryCommandInput): AsyncGenerator<QueryPage<Row>> {
  let { ExclusiveStartKey, Limit } = query;
  do {
    const command = new QueryCommand({ ...query, ExclusiveStartKey, Limit });
    const { Items = [], LastEvaluatedKey } = await client.send(command, untilAnswered()).catch(rethrow);
    yield { items: Items as Row[], position: LastEvaluatedKey?.id as string | undefined };
    ExclusiveStartKey = LastEvaluatedKey;
    Limit = Limit && Math.min(2 * Limit, QUERY_PAGE);
  } while (ExclusiveStartKey);
}

/** How many items a query looks at first for `limit` of them, and one more to know whether the list goes on. */
export function firstQueryPage(limit: number | undefined): number | undefined {
  return limit === undefined ? undefined : Math.min(limit + 1, QUERY_PAGE);
}

/**
 * Puts new items, all of them or none: one conditional write, or one transaction.
 * @param items 1 to 100, of at most 4 MB together, under ids that were made for them
 * @param checks conditions on other items, which must hold too; at most 100 with the items
 * @returns whether they were put: not where an item has one of the ids already, as after a write whose answer was lost
 *   and that is repeated, and not where a check failed
 * @throws ServiceError `unavailable`, also where the storage has no transactions
 */
export async function putNew(
  TableName: string,
  items: Item[],
  checks: ConditionCheck[] = [],
): Promise<TransactionOutcome> {
  const puts = items.map((Item) => ({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
  const [only, second] = puts;
  if (only && second === undefined && checks.length === 0)
    return { written: (await putItem(only)).written, failedCheck: undefined };
  return transact(
    checks,
    puts.map((Put) => ({ Put })),
  );
}

/**
 * Updates an item where its own condition and some others on other items hold.
 * @throws ServiceError `unavailable`, also where the storage has no transactions
 */
export function updateChecked(
  input: Omit<UpdateCommandInput, "ReturnValues"> & { UpdateExpression: string },
  checks: ConditionCheck[],
): Promise<TransactionOutcome> {
  return transact(checks, [{ Update: input }]);
}

async function transact(checks: ConditionCheck[], writes: TransactItems): Promise<TransactionOutcome> {
  const TransactItems = [...checks.map((check) => ({ ConditionCheck: check })), ...writes];
  try {
    await retryCollisions(() => client.send(new TransactWriteCommand({ TransactItems }), untilAnswered()));
    return { written: true, failedCheck: undefined };
  } catch (error) {
    if (!isConditionFailed(error)) return rethrow(error);
    return { written: false, failedCheck: checks[failedCondition(error)] };
  }
}

/**
 * Sends a write again when it collides with a transaction, which the SDK does not. Not where the SDK had tried it
 * before: that try may have landed, and the answer to a new call would not say that there was one.
 */
async function retryCollisions<Output>(send: () => Promise<Output>): Promise<Output> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      const isRepeat = (error as TransactionCanceledException).$metadata?.attempts !== 1;
      if (isRepeat || attempt === MAX_ATTEMPTS || !hasCollided(error)) throw error;
      await pause(attempt);
    }
  }
}

/** Puts an item where the condition, if there is one, holds. */
export function putItem(input: PutCommandInput): Promise<WriteOutcome> {
  return outcomeOf(() => client.send(new PutCommand(input), untilAnswered()));
}

/** Updates an item where the condition, if there is one, holds. @param options.timeout after how many ms it is given up */
export function updateItem(
  input: UpdateCommandInput,
  options: { timeout?: number } = {},
): Promise<WriteOutcome> {
  return outcomeOf(() => client.send(new UpdateCommand(input), untilAnswered(options.timeout)));
}

/** Deletes an item where the condition, if there is one, holds. */
export function deleteItem(input: DeleteCommandInput): Promise<WriteOutcome> {
  return outcomeOf(() => client.send(new DeleteCommand(input), untilAnswered()));
}

async function outcomeOf(send: () => Promise<PutCommandOutput>): Promise<WriteOutcome> {
  try {
    const { Attributes, $metadata } = await retryCollisions(send);
    return { written: true, item: Attributes, attempts: $metadata.attempts ?? 1 };
  } catch (error) {
    if (!isConditionFailed(error)) return rethrow(error);
    return { written: false, item: undefined, attempts: error.$metadata.attempts ?? 1 };
  }
}

async function batchGetPage(TableName: string, keys: Key[], attributes?: string[]): Promise<Item[]> {
  const items: Item[] = [];
  let Keys: Item[] = keys.map((key) => ({ ...key }));
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 1) await pause(attempt - 1);
    const command = new BatchGetCommand({
      RequestItems: { [TableName]: { Keys, ConsistentRead: true, ...projection(attributes) } },
    });
    const { Responses, UnprocessedKeys } = await client.send(command, untilAnswered()).catch(rethrow);
    items.push(...(Responses?.[TableName] ?? []));
    Keys = UnprocessedKeys?.[TableName]?.Keys ?? [];
    if (Keys.length === 0) return items;
  }
  throw unavailable();
}

/**
 * Which attributes to read: all for none. Each name goes by a `#name`, as some are reserved words of DynamoDB.
 * @param paths names of attributes, or `map.name` for what stands in a map
 */
export function projection(paths: readonly string[] = []) {
  if (paths.length === 0) return {};
  const names = new Set(paths.flatMap((path) => path.split(".")));
  return {
    ProjectionExpression: paths.map((path) => `#${path.replace(".", ".#")}`).join(", "),
    ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
  };
}

/** Options of a call: neither it nor a repeat begins once the answer of its request has gone, or after `timeout` ms. */
function untilAnswered(timeout?: number): { abortSignal?: AbortSignal } {
  const own = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const [only, second] = [requestSignal(), own].filter((signal) => signal !== undefined);
  if (!only) return {};
  return { abortSignal: second ? AbortSignal.any([only, second]) : only };
}

/** Waits after an attempt: 50 ms, and twice as long after each further one. */
function pause(attempt: number): Promise<void> {
  return sleep(50 * 2 ** (attempt - 1));
}
