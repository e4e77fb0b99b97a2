import {
  type AttributeValue,
  BatchGetItemCommand,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  type KeysAndAttributes,
  type Put,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { Sha256 } from "./sha256.ts";

/**
 * The one DynamoDB client of a container; the environment decides about region, credentials and endpoint
 * (`AWS_ENDPOINT_URL_DYNAMODB` leads to an emulator). Three tries of at most 1 s each and the waits between them end
 * before a write is 4 s old, when its time begins to stand for it (`lib/server-state.ts`), and a request is answered
 * before the function's timeout of 10 s even when its token took 3 s to check.
 */
const client = new DynamoDBClient({
  maxAttempts: 3,
  retryMode: "standard",
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
  // Nobody changes what the calls go through once they have begun.
  cacheMiddleware: true,
  sha256: Sha256,
});

// Of no use, and a part of every call: filtering what goes by for a log that nobody keeps, describing the program,
// and telling DynamoDB which function calls it, at which only services that call functions look.
for (const name of ["loggerMiddleware", "getUserAgentMiddleware", "recursionDetectionMiddleware"])
  client.middlewareStack.remove(name);

/** Attributes by their names, in plain values. */
export type Item = Record<string, unknown>;

const VALUED = ["Item", "Key", "ExclusiveStartKey", "ExpressionAttributeValues"] as const;

/** The input of a call, with plain values where DynamoDB's are tagged by their types. */
export type Plain<Input> = {
  [Name in keyof Input]: Name extends (typeof VALUED)[number]
    ? object | Extract<Input[Name], undefined>
    : Input[Name];
};

const tagged = <Input>(input: Plain<Input>): Input => {
  const result: Item = { ...input };
  for (const name of VALUED) {
    if (result[name]) result[name] = marshall(result[name], { removeUndefinedValues: true });
  }
  return result as Input;
};

const plain = (item: Record<string, AttributeValue> | undefined): Item | undefined =>
  item && unmarshall(item);

/** Reads an item. @throws what the SDK throws, like every call here, after its own tries */
export const getItem = async (input: Plain<GetItemCommandInput>): Promise<Item | undefined> =>
  plain((await client.send(new GetItemCommand(tagged(input)))).Item);

/** Puts an item. */
export const putItem = async (input: Plain<PutItemCommandInput>): Promise<void> => {
  await client.send(new PutItemCommand(tagged(input)));
};

/** Puts all of some items, or none. */
export const putItems = async (puts: Plain<Put>[]): Promise<void> => {
  const TransactItems = puts.map((put) => ({ Put: tagged<Put>(put) }));
  await client.send(new TransactWriteItemsCommand({ TransactItems }));
};

/**
 * Updates an item.
 * @param options to give a call up: it is prepared by itself, and the SDK prepares the next calls anew
 * @returns the attributes that were asked for by `ReturnValues`
 */
export const updateItem = async (
  input: Plain<UpdateItemCommandInput>,
  options?: { abortSignal: AbortSignal },
): Promise<Item | undefined> =>
  plain((await client.send(new UpdateItemCommand(tagged(input)), options)).Attributes);

/** Deletes an item. @returns the attributes that were asked for by `ReturnValues`, and how many tries it took */
export const deleteItem = async (
  input: Plain<DeleteItemCommandInput>,
): Promise<{ attributes: Item | undefined; attempts: number }> => {
  const { Attributes, $metadata } = await client.send(new DeleteItemCommand(tagged(input)));
  return { attributes: plain(Attributes), attempts: $metadata.attempts ?? 1 };
};

/** Queries a page of items. @returns them, and the key behind which the next page begins */
export const query = async (
  input: Plain<QueryCommandInput>,
): Promise<{ items: Item[]; last: Item | undefined }> => {
  const { Items = [], LastEvaluatedKey } = await client.send(new QueryCommand(tagged(input)));
  return { items: Items.map((item) => unmarshall(item)), last: plain(LastEvaluatedKey) };
};

/** Reads items of one table by their keys. @returns those that were found, and the keys that were not looked for */
export const batchGetItem = async (
  TableName: string,
  keys: object[],
  options: Omit<KeysAndAttributes, "Keys">,
): Promise<{ items: Item[]; unprocessed: Item[] }> => {
  const Keys = keys.map((key) => marshall(key));
  const { Responses, UnprocessedKeys } = await client.send(
    new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ...options } } }),
  );
  return {
    items: (Responses?.[TableName] ?? []).map((item) => unmarshall(item)),
    unprocessed: (UnprocessedKeys?.[TableName]?.Keys ?? []).map((key) => unmarshall(key)),
  };
};
