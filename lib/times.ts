import { AsyncLocalStorage } from "node:async_hooks";

/*
 * Times: how long a request and its parts may take, each stated here alone; the signal that ends a request; and times as
 * the API writes them.
 */

/** How long a connection to DynamoDB, or to Secrets Manager, may take, in ms. */
export const CONNECT_TIMEOUT_MS = 500;

/** How long one try of a call to either may take, in ms: then it is given up, and tried again. */
export const ATTEMPT_TIMEOUT_MS = 1_000;

/** How often a call to DynamoDB is tried. */
export const MAX_ATTEMPTS = 3;

/** How long the SDK waits between these tries in all, in ms: where calls are throttled, up to 1 s and then 2 s. */
export const MAX_BACKOFF_MS = 3_000;

/** How long whoever issued a token, or its keys, may take to answer, in ms. */
export const TOKEN_TIMEOUT_MS = 3_000;

/**
 * How long before its function's end a request is answered 503, in ms. No call to DynamoDB begins after that. What was
 * sent before is taken to land in the time of a try, or never.
 */
export const ABORT_MARGIN_MS = ATTEMPT_TIMEOUT_MS;

/**
 * How long a function runs at most, in seconds; `timeout` in `serverless.yml`. A token that takes all its time to be
 * checked leaves enough for a call that needs all its tries.
 *
 * No write is older than this when it lands: the times in a row are taken while its function runs, and the request's
 * signal lets no call, and no repeat of one, begin in the last second, however often DynamoDB throttles and however long
 * it asks the SDK to wait.
 */
export const FUNCTION_TIMEOUT =
  (TOKEN_TIMEOUT_MS + MAX_ATTEMPTS * ATTEMPT_TIMEOUT_MS + MAX_BACKOFF_MS + ABORT_MARGIN_MS) / 1_000;

const signals = new AsyncLocalStorage<AbortSignal>();

/** Does the work of a request, whose signal aborts once its answer has gone. */
export function withRequestSignal<Result>(signal: AbortSignal, work: () => Result): Result {
  return signals.run(signal, work);
}

/** The signal of the request that is being worked on: no call may begin after it has aborted. */
export function requestSignal(): AbortSignal | undefined {
  return signals.getStore();
}

/** A time as the API writes it: ISO 8601 in UTC, whole seconds, such as `2015-01-31T15:12:36Z`. */
export function isoTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** The same, of a number of seconds since 1970. */
export function isoTimeOf(seconds: number): string {
  return isoTime(new Date(seconds * 1_000));
}

/** A time in whole seconds since 1970. */
export function epochSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
