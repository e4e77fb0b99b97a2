import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { NoOpLogger } from "@smithy/core/client";
import { ATTEMPT_TIMEOUT_MS, CONNECT_TIMEOUT_MS, MAX_ATTEMPTS } from "../times.ts";

/**
 * A logger that drops everything. It has no `info`: with one, the SDK copies every input and output through a filter
 * to hand them over, which is 27 % of the instructions of a large read.
 */
const logger = Object.assign(new NoOpLogger(), { info: undefined }) as unknown as NoOpLogger;

/**
 * The one DynamoDB client of a container. The environment decides about region, credentials and endpoint
 * (`AWS_ENDPOINT_URL_DYNAMODB` leads to an emulator).
 */
export const client = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    maxAttempts: MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: ATTEMPT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    logger,
  }),
  {
    marshallOptions: { removeUndefinedValues: true },
    // No stored number is too large for a double: JSON values are stored as text.
    unmarshallOptions: { wrapNumbers: Number },
  },
);
