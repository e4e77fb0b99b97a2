import { putNew } from "../../dynamodb/calls.ts";
import { bytesOf, MAX_ITEM_BYTES } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import type { SoftwareConfig } from "../config.ts";
import { encode, TableName } from "./row.ts";

/**
 * Stores a new configuration with one conditional write.
 * @throws ServiceError `invalid` when the item would pass DynamoDB's 400 KB, `unavailable`
 */
export async function createConfig(config: SoftwareConfig): Promise<void> {
  const row = encode(config);
  if (bytesOf(row) > MAX_ITEM_BYTES) {
    throw new ServiceError("invalid", "config: too large: a configuration takes at most 400 KB");
  }
  await putNew(TableName, [row]);
}
