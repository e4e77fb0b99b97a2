import { readFile } from "node:fs/promises";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
} from "@aws-sdk/client-dynamodb";
import { parse } from "yaml";

/** The emulators do not check credentials, but the SDK signs with some. */
export const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
export const REGION = "eu-central-1";

/** The names that `infra/tables.yml` gives its tables on a stage. */
const SERVICE = "software-deployments";

interface Template {
  Resources: Record<string, { Properties: CreateTableCommandInput }>;
}

/** The tables of `infra/tables.yml`, the deployed definition, as `CreateTable` takes them. */
const tableDefinitions = async (stage: string): Promise<CreateTableCommandInput[]> => {
  const template = await readFile(new URL("../tables.yml", import.meta.url), "utf8");
  const text = template.replaceAll("${self:service}", SERVICE).replaceAll("${sls:stage}", stage);
  return Object.values((parse(text) as Template).Resources).map(({ Properties: table }) => ({
    TableName: table.TableName,
    BillingMode: table.BillingMode,
    AttributeDefinitions: table.AttributeDefinitions,
    KeySchema: table.KeySchema,
    GlobalSecondaryIndexes: table.GlobalSecondaryIndexes,
  }));
};

/** Creates the tables that are not there yet in the emulator at `endpoint`. */
export const createTables = async (endpoint: string, stage: string): Promise<void> => {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  for (const table of await tableDefinitions(stage)) {
    await client.send(new CreateTableCommand(table)).catch((error: unknown) => {
      if (!(error instanceof ResourceInUseException)) throw error;
    });
  }
  client.destroy();
};
