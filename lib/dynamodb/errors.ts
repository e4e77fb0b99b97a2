import {
  ConditionalCheckFailedException,
  type DynamoDBServiceException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { ServiceError } from "../errors.ts";

/** The reasons for which DynamoDB cancels a transaction that may succeed when it is sent again. */
const PASSING_REASONS = /^(None|TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded)$/;

/**
 * Rethrows an error of the SDK, after the SDK's own retries.
 * @throws ServiceError `unavailable` for throttling, outages, timeouts and colliding transactions; other errors
 *   unchanged
 */
export function rethrow(error: unknown): never {
  const fault = error as Parameters<typeof isServerError>[0];
  if (fault.name === "UnknownOperationException") {
    throw new ServiceError("unavailable", "This storage has no transactions, which many at once need.");
  }
  // Given up after a timeout, or because the request was answered.
  if (fault.name === "AbortError") throw unavailable(error);
  const passes = isThrottlingError(fault) || isTransientError(fault) || isServerError(fault);
  throw passes || hasCollided(error) ? unavailable(error) : error;
}

/** The error for a DynamoDB that does not answer, or not completely. */
export function unavailable(cause?: unknown): ServiceError {
  return new ServiceError("unavailable", "The storage does not answer at the moment.", { cause });
}

/** Whether a write was refused because its condition did not hold. */
export function isConditionFailed(
  error: unknown,
): error is ConditionalCheckFailedException | TransactionCanceledException {
  return error instanceof ConditionalCheckFailedException || failedCondition(error) !== -1;
}

/** The index of a transaction's first action that was refused because its condition did not hold; -1 for none. */
export function failedCondition(error: unknown): number {
  return cancellationCodes(error).indexOf("ConditionalCheckFailed");
}

/** Whether a write collided with a transaction, or a transaction was throttled: nothing of it was written. */
export function hasCollided(error: unknown): error is DynamoDBServiceException {
  return (
    error instanceof Error &&
    /^Transaction(Canceled|InProgress|Conflict)Exception$/.test(error.name) &&
    cancellationCodes(error).every((code) => PASSING_REASONS.test(code))
  );
}

/** The reason for each of a transaction's actions, in their order; empty for other errors. */
function cancellationCodes(error: unknown): string[] {
  const reasons = error instanceof TransactionCanceledException ? error.CancellationReasons : undefined;
  return reasons?.map(({ Code = "None" }) => Code) ?? [];
}
