import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/**
 * A logger that drops everything. It has no `info`: with one, the SDK copies every input and output through a filter
 * to hand them over, which is 27 % of the instructions of a large read.
 */
const logger = { debug() {}, warn() {}, error() {} } as unknown as NonNullable<
  DynamoDBClientConfig["logger"]
>;

/**
 * The one DynamoDB client of a container. The environment decides about region, credentials and endpoint
 * (`AWS_ENDPOINT_URL_DYNAMODB` leads to an emulator). Three tries of at most 1 s each and the waits between them, or one
 * and what follows a collision with a transaction (`calls.ts`), end before a write is 4 s old, on which `SETTLED` in
 * `lib/server/state.ts` relies; and a request is answered before the function's timeout of 10 s even when its token took
 * 3 s to check.
 */
export const client = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    maxAttempts: 3,
    retryMode: "standard",
    requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
    logger,
  }),
  {
    marshallOptions: { removeUndefinedValues: true },
    // No stored number is too large for a double: JSON values are stored as text.
    unmarshallOptions: { wrapNumbers: Number },
  },
);
