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

/** The key of an item. All tables have the same. */
export interface Key {
  project_id: string;
  id: string;
}

/**
 * The partition key of an index: of a project and one more value. No query reaches another project's rows, and no two
 * pairs share a key, as a project's id holds no `#`.
 */
export function indexKey(projectId: string, value: string): string {
  return `${projectId}#${value}`;
}

/** One page of a query's rows, and the id behind which the query goes on; undefined at its end. */
export interface QueryPage<Row> {
  rows: Row[];
  position: string | undefined;
}

/** A query whose table is named later. */
export type Query = Omit<QueryCommandInput, "TableName">;

/** The result of a write. */
export interface WriteOutcome {
  /** Whether its condition held. Where it did not, nothing was written. */
  written: boolean;
  /** How often the SDK sent the call. After more than once, an earlier attempt may be what the condition met. */
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

const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/** Reads an item, consistently. @throws ServiceError `unavailable`, like every call here */
export async function getItem<Row>(TableName: string, Key: Key): Promise<Row | undefined> {
  const command = new GetCommand({ TableName, Key, ConsistentRead: true });
  return (await client.send(command, untilAnswered()).catch(rethrow)).Item as Row | undefined;
}

/**
 * Reads the items of many keys, consistently, in the keys' order. What is not there is left out.
 * @param attributes the attributes to read; all without it
 */
export async function batchGet<Row extends { id: string }>(
  TableName: string,
  keys: Key[],
  attributes?: readonly string[],
): Promise<Row[]> {
  const found = new Map<string, Row>();
  for (let at = 0; at < keys.length; at += BATCH_KEYS) {
    for (const row of await batchGetPage<Row>(TableName, keys.slice(at, at + BATCH_KEYS), attributes))
      found.set(row.id, row);
  }
  return keys.map(({ id }) => found.get(id)).filter((row) => row !== undefined);
}

/** The rows of a query, read page by page as they are asked for. */
export async function* queryItems<Row>(query: QueryCommandInput): AsyncGenerator<Row> {
  for await (const { rows } of queryPages<Row>(query)) yield* rows;
}

/**
 * The pages of a query, each read when it is asked for.
 * @param query.Limit how many items the first page looks at; each later one looks at twice as many as the one before
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
  rows: object[],
  checks: ConditionCheck[] = [],
): Promise<TransactionOutcome> {
  const puts = rows.map((Item) => ({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
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

/** Puts an item where the condition, if there is one, holds. */
export function putItem(input: PutCommandInput): Promise<WriteOutcome> {
  return write(() => client.send(new PutCommand(input), untilAnswered()));
}

/** Updates an item where the condition, if there is one, holds. @param timeout after how many ms it is given up */
export function updateItem(input: UpdateCommandInput, timeout?: number): Promise<WriteOutcome> {
  return write(() => client.send(new UpdateCommand(input), untilAnswered(timeout)));
}

/** Deletes an item where the condition, if there is one, holds. */
export function deleteItem(input: DeleteCommandInput): Promise<WriteOutcome> {
  return write(() => client.send(new DeleteCommand(input), untilAnswered()));
}

/**
 * Waits before a write is attempted again that lost to another one: a random time that doubles, between 10 and 200 ms,
 * so that writers who met once do not meet again.
 * @param attempt the number of the attempt that failed, from 1
 */
export function pauseAfter(attempt: number): Promise<void> {
  const longest = Math.min(SHORTEST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
  return sleep(SHORTEST_PAUSE_MS + Math.random() * (longest - SHORTEST_PAUSE_MS));
}

async function transact(checks: ConditionCheck[], writes: TransactItems): Promise<TransactionOutcome> {
  const TransactItems = [...checks.map((check) => ({ ConditionCheck: check })), ...writes];
  const { written, failedAction } = await write(() =>
    client.send(new TransactWriteCommand({ TransactItems }), untilAnswered()),
  );
  return { written, failedCheck: checks[failedAction] };
}

/**
 * Sends a write. One that collides with a transaction is sent again, which the SDK does not: but not where the SDK had
 * sent it before, as that attempt may have landed, and the answer to a new call would not say that there was one.
 * @returns also the number of a transaction's action whose condition did not hold; -1 for none
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
  attributes?: readonly string[],
): Promise<Row[]> {
  const rows: Row[] = [];
  let Keys: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 1) await pauseAfter(attempt - 1);
    const command = new BatchGetCommand({
      RequestItems: { [TableName]: { Keys, ConsistentRead: true, ...projection(attributes) } },
    });
    const { Responses, UnprocessedKeys } = await client.send(command, untilAnswered()).catch(rethrow);
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

/** Options of a call: neither it nor a repeat begins once the answer of its request has gone, or after `timeout` ms. */
function untilAnswered(timeout?: number): { abortSignal?: AbortSignal } {
  const own = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  const [only, second] = [requestSignal(), own].filter((signal) => signal !== undefined);
  if (!only) return {};
  return { abortSignal: second ? AbortSignal.any([only, second]) : only };
}
