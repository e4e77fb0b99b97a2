import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { SoftwareConfig } from "../../lib/config/config.ts";
import { EXAMPLE_CONFIG, EXAMPLE_CONFIG_ID, EXAMPLE_PROJECT } from "../local/example.ts";
import { tableNames } from "../local/stage.ts";
import { CREDENTIALS, REGION } from "../local/tables.ts";

/**
 * Stores the configuration that the API's examples name in a local service's table, unless it is there: what they deploy
 * can then run.
 * @param endpoint the emulator's address
 */
export async function createExampleConfig(endpoint: string, stage: string): Promise<void> {
  // The row's module reads the table's name while it loads, and functions of this process share the module.
  process.env.SOFTWARE_CONFIGS_TABLE = tableNames(stage).SoftwareConfigsTable;
  const { encode, TableName } = await import("../../lib/config/store/row.ts");
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const put = new PutCommand({
    TableName,
    Item: encode(await exampleConfig()),
    ConditionExpression: "attribute_not_exists(id)",
  });
  await documents.send(put).catch((error: unknown) => {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  });
  client.destroy();
}

async function exampleConfig(): Promise<SoftwareConfig> {
  const { newConfig } = await import("../../lib/config/create-request.ts");
  const { definitionIn } = await import("../../lib/config/inputs-outputs.ts");
  const { JsonText } = await import("../../lib/json/json-text.ts");
  const { name, group, inputs, outputs, config } = EXAMPLE_CONFIG;
  const request = {
    name,
    group,
    inputs: inputs.map((input) => definitionIn(JSON.stringify(input))),
    outputs: outputs.map((output) => definitionIn(JSON.stringify(output))),
    config: new JsonText(JSON.stringify(config)),
  };
  return newConfig(EXAMPLE_PROJECT, request, EXAMPLE_CONFIG_ID, new Date());
}
