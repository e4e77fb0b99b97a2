import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { ServiceError } from "./errors.ts";

/**
 * The one DynamoDB client of a container. Region, credentials and endpoint are the SDK's own business: the
 * environment decides (`AWS_ENDPOINT_URL_DYNAMODB` leads to an emulator).
 *
 * Three tries of at most 1.5 s each and the waits between them (at most 1.5 s together) end after 6 s, so that
 * a request is answered before the function's timeout of 10 s even when its token took 3 s to check.
 */
export const dynamodb = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    maxAttempts: 3,
    retryMode: "standard",
    requestHandler: { connectionTimeout: 500, requestTimeout: 1_500, throwOnRequestTimeout: true },
  }),
  { marshallOptions: { removeUndefinedValues: true } },
);

/**
 * Turns what the SDK threw, after its own retries, into what the service says of it.
 * @returns `unavailable` for throttling, outages and time-outs; anything else as it was.
 */
export const translated = (error: unknown): unknown => {
  const fault = error as Parameters<typeof isServerError>[0];
  const passing = isThrottlingError(fault) || isTransientError(fault) || isServerError(fault);
  if (!passing) return error;
  return new ServiceError("unavailable", "The storage does not answer at the moment.", { cause: error });
};
