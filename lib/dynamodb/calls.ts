import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchGetCommand,
  DeleteCommand,
  type DeleteCommandInput,
  GetCommand,
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
import { requestSignal } from "../times.ts";
import { client } from "./client.ts";
import { failedCondition, hasCollided, isConditionFailed, rethrow, unavailable } from "./errors.ts";
import { Expression } from "./expression.ts";

/** The key of an item, the same in every table. */
export interface Key {
  project_id: string;
  id: string;
}

/** One page of a query. */
export interface QueryPage<Row> {
  rows: Row[];
  /** The id after which the query goes on; undefined on its last page. */
  position: string | undefined;
}

/** A query without its table. */
export type Query = Omit<QueryCommandInput, "TableName">;

/** The result of a write. */
export interface WriteOutcome {
  /** Whether its condition held. If not, nothing was written. */
  written: boolean;
  /**
   * The number of times the SDK sent the call. If more than 1, the condition may have failed on an earlier attempt's
   * write.
   */
  attempts: number;
}

/** A condition on an item that is not written. */
export type ConditionCheck = { TableName: string; Key: Key; ConditionExpression: string } & Pick<
  UpdateCommandInput,
  "ExpressionAttributeValues"
>;

/** The result of a transaction. */
export interface TransactionOutcome {
  /** Whether all of its conditions held. If not, nothing was written. */
  written: boolean;
  /** The check that failed; undefined if the condition of a write failed, or none did. */
  failedCheck: ConditionCheck | undefined;
}

interface BatchOptions {
  attributes?: readonly string[];
  timeout?: number | undefined;
}

type TransactItems = NonNullable<TransactWriteCommandInput["TransactItems"]>;

/** The most keys that one BatchGetItem takes. */
export const BATCH_KEYS = 100;

/** The most items that one page of a query reads. */
const QUERY_PAGE = 1_000;

/** The attempts at calls that the SDK does not retry: colliding transactions, unprocessed keys of a batch. */
const MAX_ATTEMPTS = 5;

const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/** Reads an item, consistently; undefined if there is none. @throws ServiceError `unavailable`, like every call here */
export async function getItem<Row>(TableName: string, Key: Key): Promise<Row | undefined> {
  const command = new GetCommand({ TableName, Key, ConsistentRead: true });
  return (await client.send(command, untilAnswered()).catch(rethrow)).Item as Row | undefined;
}

/**
 * Reads the items of many keys, consistently, in the keys' order. Missing items are left out.
 * @param options.attributes the attributes to read; all of them by default
 * @param options.timeout the time until a page of 100 keys is given up, in ms
 */
export async function batchGet<Row extends { id: string }>(
  TableName: string,
  keys: Key[],
  options: BatchOptions = {},
): Promise<Row[]> {
  const byId = new Map<string, Row>();
  for (let at = 0; at < keys.length; at += BATCH_KEYS) {
    for (const row of await batchGetPage<Row>(TableName, keys.slice(at, at + BATCH_KEYS), options))
      byId.set(row.id, row);
  }
  return keys.map(({ id }) => byId.get(id)).filter((row) => row !== undefined);
}

/** The rows of a query. A page is read when its first row is asked for. */
export async function* queryItems<Row>(query: QueryCommandInput): AsyncGenerator<Row> {
  for await (const { rows } of queryPages<Row>(query)) yield* rows;
}

/**
 * The pages of a query, each read when it is asked for.
 * @param query.Limit the number of items that the first page reads; each later page reads twice as many as the one
 *   before
 */
export async function* queryPages<Row>(query: QueryCommandInput): AsyncGenerator<QueryPage<Row>> {
  let { ExclusiveStartKey, Limit } = query;
  do {
    const command = new QueryCommand({ ...query, ExclusiveStartKey, Limit });
    const { Items = [], LastEvaluatedKey } = await client.send(command, untilAnswered()).catch(rethrow);
    yield { rows: Items as Row[], position: LastEvaluatedKey?.id };
    ExclusiveStartKey = LastEvaluatedKey;
    Limit = Limit && Math.min(2 * Limit, QUERY_PAGE);
  } while (ExclusiveStartKey);
}

/** The `Limit` of a query's first page for a list of `limit` rows: one more shows whether the list goes on. */
export function firstQueryPage(limit: number | undefined): number | undefined {
  return limit === undefined ? undefined : Math.min(limit + 1, QUERY_PAGE);
}

/**
 * Puts new items, all of them or none: one conditional write, or one transaction.
 * @param rows 1 to 100 items, at most 4 MB together, with new ids
 * @param checks conditions on other items, which must hold too; at most 100 together with the items
 * @returns not written if a check failed or an id is taken already, for instance by an earlier attempt whose answer was
 *   lost
 * @throws ServiceError `unavailable`, also if the storage has no transactions
 */
export async function putNew(
  TableName: string,
  rows: object[],
  checks: ConditionCheck[] = [],
): Promise<TransactionOutcome> {
  const puts = rows.map((Item) => ({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
  const [put, second] = puts;
  if (put && second === undefined && checks.length === 0)
    return {
      ...(await write(() => client.send(new PutCommand(put), untilAnswered()))),
      failedCheck: undefined,
    };
  return transact(
    checks,
    puts.map((Put) => ({ Put })),
  );
}

/**
 * Updates an item if its own condition and the checks on other items hold.
 * @throws ServiceError `unavailable`, also if the storage has no transactions
 */
export function updateChecked(
  input: Omit<UpdateCommandInput, "ReturnValues"> & { UpdateExpression: string },
  checks: ConditionCheck[],
): Promise<TransactionOutcome> {
  return transact(checks, [{ Update: input }]);
}

/** Puts an item, if its condition holds or it has none. */
export function putItem(input: PutCommandInput): Promise<WriteOutcome> {
  return write(() => client.send(new PutCommand(input), untilAnswered()));
}

/** Updates an item, if its condition holds or it has none. @param timeout the time until it is given up, in ms */
export function updateItem(input: UpdateCommandInput, timeout?: number): Promise<WriteOutcome> {
  return write(() => client.send(new UpdateCommand(input), untilAnswered(timeout)));
}

/** Deletes an item, if its condition holds or it has none. */
export function deleteItem(input: DeleteCommandInput): Promise<WriteOutcome> {
  return write(() => client.send(new DeleteCommand(input), untilAnswered()));
}

/**
 * Waits before the next attempt at a write that lost to another writer. The time is random, so that the two do not
 * collide again: at least 10 ms, and at most 20 ms after the first attempt, doubling up to 200 ms.
 * @param attempt the number of the attempt that failed, from 1
 */
export function pauseAfter(attempt: number): Promise<void> {
  const longest = Math.min(SHORTEST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
  return sleep(SHORTEST_PAUSE_MS + Math.random() * (longest - SHORTEST_PAUSE_MS));
}

/** The partition key of an index: a project and one more value. No two pairs share a key: a project's id has no `#`. */
export function indexKey(projectId: string, value: string): string {
  return `${projectId}#${value}`;
}

async function transact(checks: ConditionCheck[], writes: TransactItems): Promise<TransactionOutcome> {
  const TransactItems = [...checks.map((check) => ({ ConditionCheck: check })), ...writes];
  const { written, failedAction } = await write(() =>
    client.send(new TransactWriteCommand({ TransactItems }), untilAnswered()),
  );
  return { written, failedCheck: checks[failedAction] };
}

/**
 * Sends a write, and sends it again if it collides with a transaction, which the SDK does not retry. It does not if the
 * SDK had retried the call for another reason: that attempt may have been written, and the new call's `attempts` would
 * hide it.
 * @returns also the index of the transaction's first action whose condition failed; -1 for none
 */
async function write(
  send: () => Promise<{ $metadata: PutCommandOutput["$metadata"] }>,
): Promise<WriteOutcome & { failedAction: number }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { $metadata } = await send();
      return { written: true, attempts: $metadata.attempts ?? 1, failedAction: -1 };
    } catch (error) {
      if (isConditionFailed(error)) {
        const { attempts = 1 } = error.$metadata;
        return { written: false, attempts, failedAction: failedCondition(error) };
      }
      const mayRepeat = hasCollided(error) && error.$metadata.attempts === 1;
      if (!mayRepeat || attempt === MAX_ATTEMPTS) return rethrow(error);
      await pauseAfter(attempt);
    }
  }
}

async function batchGetPage<Row>(
  TableName: string,
  keys: Key[],
  { attributes, timeout }: BatchOptions,
): Promise<Row[]> {
  const rows: Row[] = [];
  let Keys: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 1) await pauseAfter(attempt - 1);
    const command = new BatchGetCommand({
      RequestItems: { [TableName]: { Keys, ConsistentRead: true, ...projection(attributes) } },
    });
    const { Responses, UnprocessedKeys } = await client.send(command, untilAnswered(timeout)).catch(rethrow);
    rows.push(...((Responses?.[TableName] ?? []) as Row[]));
    Keys = UnprocessedKeys?.[TableName]?.Keys ?? [];
    if (Keys.length === 0) return rows;
  }
  throw unavailable();
}

function projection(attributes: readonly string[] | undefined) {
  if (!attributes) return {};
  const read = new Expression<Record<string, unknown>>();
  const ProjectionExpression = read.projection(attributes);
  const { ExpressionAttributeNames } = read.placeholders;
  return { ProjectionExpression, ExpressionAttributeNames };
}

/** The options that abort a call, retries included, once its request is answered, or after `timeout` ms. */
function untilAnswered(timeout?: number): { abortSignal?: AbortSignal } {
  const timer = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const [signal, second] = [requestSignal(), timer].filter((candidate) => candidate !== undefined);
  if (!signal) return {};
  return { abortSignal: second ? AbortSignal.any([signal, second]) : signal };
}
