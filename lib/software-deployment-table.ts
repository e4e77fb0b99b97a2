import { deflateRawSync } from "node:zlib";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { softwareDeploymentsTable } from "./config.ts";
import { dynamodb, translated } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import type { JsonObject, SoftwareDeployment } from "./software-deployment.ts";

const TableName = softwareDeploymentsTable();

/** DynamoDB's limit for one item: names and values, in bytes. */
const MAX_ITEM_BYTES = 409_600;

/** What one write unit holds, in bytes. */
const WRITE_UNIT_BYTES = 1_024;

type Attributes = Record<string, string | Uint8Array>;

const bytesOf = (item: Attributes): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );

/**
 * A JSON value beside the other attributes of its item: its text, which brings back key order, `__proto__` and
 * every digit, or the text's raw deflate (RFC 1951), a binary, where that saves a write unit.
 */
const stored = (value: JsonObject, others: Attributes): string | Uint8Array => {
  const text = JSON.stringify(value);
  if (bytesOf(others) + "input_values".length + Buffer.byteLength(text) <= WRITE_UNIT_BYTES) return text;
  const deflated = deflateRawSync(text);
  return deflated.byteLength < Buffer.byteLength(text) ? deflated : text;
};

/** A deployment's item: what is null is left out. */
const itemOf = (deployment: SoftwareDeployment, requestId: string): Attributes => {
  const { input_values, output_values: _, ...rest } = deployment;
  const plain = Object.fromEntries(
    Object.entries({ ...rest, request_id: requestId }).filter(([, value]) => value !== null),
  ) as Attributes;
  return input_values ? { ...plain, input_values: stored(input_values, plain) } : plain;
};

/**
 * Stores a new deployment with one conditional write.
 *
 * The SDK repeats a write whose answer was lost. The repeat finds its own row and knows it by the request's id,
 * so that it succeeds instead of failing on itself.
 *
 * @throws ServiceError `invalid` when the item would pass DynamoDB's 400 KB, `unavailable` when DynamoDB does
 *   not take it
 * @throws ConditionalCheckFailedException when another request has used this id, which a random id rules out
 */
export const insert = async (deployment: SoftwareDeployment, requestId: string): Promise<void> => {
  const Item = itemOf(deployment, requestId);
  const bytes = bytesOf(Item);
  if (bytes > MAX_ITEM_BYTES) {
    throw new ServiceError(
      "invalid",
      `input_values: too large: the deployment takes ${bytes} bytes, at most ${MAX_ITEM_BYTES} can be stored`,
    );
  }
  const put = new PutCommand({
    TableName,
    Item,
    ConditionExpression: "attribute_not_exists(id) OR request_id = :request",
    ExpressionAttributeValues: { ":request": requestId },
  });
  await dynamodb.send(put).catch((error: unknown) => {
    throw translated(error);
  });
};
