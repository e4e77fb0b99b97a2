import { inflateRawSync } from "node:zlib";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, paginateQuery, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { inject } from "vitest";
import { TABLE } from "../../infra/local/stage.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import "./context.ts";

const client = DynamoDBDocumentClient.from(
  new DynamoDBClient({ endpoint: inject("dynamodb"), region: REGION, credentials: CREDENTIALS }),
);

/** Reads an item as it is stored. */
export const storedItem = async (projectId: string, id: string): Promise<Record<string, any> | undefined> =>
  (await client.send(new GetCommand({ TableName: TABLE, Key: { project_id: projectId, id } }))).Item;

/** Writes an attribute of an item behind the service's back. */
export const storeAttribute = async (
  projectId: string,
  id: string,
  name: string,
  value: unknown,
): Promise<void> => {
  const update = new UpdateCommand({
    TableName: TABLE,
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
      TableName: TABLE,
      KeyConditionExpression: "project_id = :project",
      ExpressionAttributeValues: { ":project": projectId },
    },
  );
  return (await Array.fromAsync(pages)).flatMap(({ Items = [] }) => Items);
};

/** The JSON text of a stored value, which is deflated where that saves a write unit. */
export const storedText = (value: string | Uint8Array): string =>
  typeof value === "string" ? value : inflateRawSync(value).toString();
