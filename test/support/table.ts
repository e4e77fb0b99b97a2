import { inflateRawSync } from "node:zlib";
import { type AttributeValue, DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  paginateScan,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { inject } from "vitest";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import "./context.ts";

const plain = new DynamoDBClient({
  endpoint: inject("dynamodb"),
  region: REGION,
  credentials: CREDENTIALS,
});
const client = DynamoDBDocumentClient.from(plain);

/** The table that the functions of a test file use. */
const tableName = (): string => inject("table") ?? process.env.SOFTWARE_DEPLOYMENTS_TABLE ?? "";

/** Reads an item as it is stored. */
export const storedItem = async (projectId: string, id: string): Promise<Record<string, any> | undefined> =>
  (await client.send(new GetCommand({ TableName: tableName(), Key: { project_id: projectId, id } }))).Item;

/** Writes an attribute of an item behind the service's back. */
export const storeAttribute = async (
  projectId: string,
  id: string,
  name: string,
  value: unknown,
): Promise<void> => {
  const update = new UpdateCommand({
    TableName: tableName(),
    Key: { project_id: projectId, id },
    UpdateExpression: "SET #name = :value",
    ExpressionAttributeNames: { "#name": name },
    ExpressionAttributeValues: { ":value": value },
  });
  await client.send(update);
};

/** All items of a project. */
export const storedItems = async (projectId: string): Promise<Record<string, any>[]> => {
  const pages = paginateQuery(
    { client },
    {
      TableName: tableName(),
      KeyConditionExpression: "project_id = :project",
      ExpressionAttributeValues: { ":project": projectId },
    },
  );
  return (await Array.fromAsync(pages)).flatMap(({ Items = [] }) => Items);
};

/** All items of the table. */
export const everyItem = async (): Promise<Record<string, any>[]> =>
  (await Array.fromAsync(paginateScan({ client }, { TableName: tableName() }))).flatMap(
    ({ Items = [] }) => Items,
  );

/** Puts items as they are. */
export const putItems = async (items: Record<string, any>[]): Promise<void> => {
  for (const Item of items) await client.send(new PutCommand({ TableName: tableName(), Item }));
};

/** Deletes all items of the table. */
export const emptyTable = async (): Promise<void> => {
  for (const { project_id, id } of await everyItem())
    await client.send(new DeleteCommand({ TableName: tableName(), Key: { project_id, id } }));
};

/** The entries of a server in the index by server, as DynamoDB itself gives them. */
export const indexEntries = async (
  projectId: string,
  serverId: string,
): Promise<Record<string, AttributeValue>[]> => {
  const query = new QueryCommand({
    TableName: tableName(),
    IndexName: "by_server",
    KeyConditionExpression: "serverKey = :key",
    ExpressionAttributeValues: { ":key": { S: `${projectId}#${serverId}` } },
  });
  return (await plain.send(query)).Items ?? [];
};

/** A value as an item keeps it: a larger one in an attribute that no index carries. */
export const storedValue = (item: Record<string, any> | undefined, name: string): any =>
  item?.[name] === true ? item[`large_${name}`] : item?.[name];

/** The JSON text of a stored value, which is deflated where that saves a write unit. */
export const storedText = (item: Record<string, any> | undefined, name: string): string => {
  const value = storedValue(item, name);
  return typeof value === "string" ? value : inflateRawSync(value).toString();
};
