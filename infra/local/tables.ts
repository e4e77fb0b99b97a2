import { readFile } from "node:fs/promises";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
  type GlobalSecondaryIndexDescription,
  ResourceInUseException,
  type TimeToLiveSpecification,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { parse } from "yaml";
import { tableNames } from "./stage.ts";

/** The emulators do not check credentials, but the SDK signs with some. */
export const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
export const REGION = "eu-central-1";

interface Template {
  Resources: Record<
    string,
    { Properties: CreateTableCommandInput & { TimeToLiveSpecification?: TimeToLiveSpecification } }
  >;
}

/** A table as `CreateTable` takes it, and its time to live, which is a call of its own. */
type TableDefinition = CreateTableCommandInput & { timeToLive: TimeToLiveSpecification | undefined };

/** Creates the tables that are not there yet in the emulator at `endpoint`. */
export async function createTables(endpoint: string, stage: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  for (const table of await tableDefinitions(stage)) await createTable(client, table);
  client.destroy();
}

/** The tables of `infra/stack/tables.yml`, the deployed definition. */
async function tableDefinitions(stage: string): Promise<TableDefinition[]> {
  const template = await readFile(new URL("../stack/tables.yml", import.meta.url), "utf8");
  const names: Record<string, string> = tableNames(stage);
  return Object.entries((parse(template) as Template).Resources).map(
    ([logicalId, { Properties: table }]) => ({
      TableName: names[logicalId],
      BillingMode: table.BillingMode,
      AttributeDefinitions: table.AttributeDefinitions,
      KeySchema: table.KeySchema,
      GlobalSecondaryIndexes: table.GlobalSecondaryIndexes,
      timeToLive: table.TimeToLiveSpecification,
    }),
  );
}

/** Creates a table, unless it is there, with its time to live where the emulator knows of that. */
async function createTable(client: DynamoDBClient, { timeToLive, ...table }: TableDefinition): Promise<void> {
  try {
    await client.send(new CreateTableCommand(table));
  } catch (error) {
    if (error instanceof ResourceInUseException) return checkForm(client, table);
    throw error;
  }
  if (!timeToLive) return;
  const update = new UpdateTimeToLiveCommand({
    TableName: table.TableName,
    TimeToLiveSpecification: timeToLive,
  });
  await client.send(update).catch((error: Error) => {
    if (error.name !== "UnknownOperationException") throw error;
  });
}

/** Refuses a table that an earlier version made: its rows are not what this one reads. */
async function checkForm(client: DynamoDBClient, table: CreateTableCommandInput): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table.TableName }));
  if (projections(Table?.GlobalSecondaryIndexes) === projections(table.GlobalSecondaryIndexes)) return;
  throw new Error(
    `The table ${table.TableName} was made by an earlier version, whose rows this one does not read. ` +
      "Begin anew with an empty folder, or without the table.",
  );
}

/** The attributes that indexes carry beside keys, by the indexes' names, as a text to compare. */
function projections(indexes: GlobalSecondaryIndexDescription[] = []): string {
  return JSON.stringify(
    indexes.map(({ IndexName, Projection }) => [IndexName, Projection?.NonKeyAttributes?.toSorted()]).sort(),
  );
}
