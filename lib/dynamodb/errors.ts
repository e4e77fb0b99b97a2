import {
  ConditionalCheckFailedException,
  type DynamoDBServiceException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { isServerError, isThrottlingError, isTransientError } from "@smithy/core/retry";
import { ServiceError } from "../errors.ts";

/** Why DynamoDB cancels a transaction that may succeed when it is sent again. */
const PASSING_REASONS = /^(None|TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded)$/;

/**
 * Rethrows what the SDK threw, after its own retries, in the service's words.
 * @throws ServiceError `unavailable` for throttling, outages, time-outs and colliding transactions; anything else as
 *   it was
 */
export function rethrow(error: unknown): never {
  const fault = error as Parameters<typeof isServerError>[0];
  if (fault.name === "UnknownOperationException") {
    throw new ServiceError("unavailable", "This storage has no transactions, which many at once need.");
  }
  // Given up: after a time, or as the answer of the request has gone.
  if (fault.name === "AbortError") throw unavailable(error);
  const passes = isThrottlingError(fault) || isTransientError(fault) || isServerError(fault);
  throw passes || hasCollided(error) ? unavailable(error) : error;
}

/** What is said when DynamoDB does not answer, or only in part. */
export function unavailable(cause?: unknown): ServiceError {
  return new ServiceError("unavailable", "The storage does not answer at the moment.", { cause });
}

/** Whether a write was refused because its condition did not hold. */
export function isConditionFailed(
  error: unknown,
): error is ConditionalCheckFailedException | TransactionCanceledException {
  return error instanceof ConditionalCheckFailedException || failedCondition(error) !== -1;
}

/** Which of a transaction's actions was refused because its condition did not hold, the first of them; -1 for none. */
export function failedCondition(error: unknown): number {
  return cancellationCodes(error).indexOf("ConditionalCheckFailed");
}

/** Whether a write met a transaction, or a transaction a partition that was too busy: nothing of it was written. */
export function hasCollided(error: unknown): error is DynamoDBServiceException {
  return (
    error instanceof Error &&
    /^Transaction(Canceled|InProgress|Conflict)Exception$/.test(error.name) &&
    cancellationCodes(error).every((code) => PASSING_REASONS.test(code))
  );
}

/** Why each of a transaction's actions was refused, in their order; nothing for another error. */
function cancellationCodes(error: unknown): string[] {
  const reasons = error instanceof TransactionCanceledException ? error.CancellationReasons : undefined;
  return reasons?.map(({ Code = "None" }) => Code) ?? [];
}
