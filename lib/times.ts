import { AsyncLocalStorage } from "node:async_hooks";

/*
 * All time limits of a request and of the calls it makes; the signal that aborts it; and the API's form of times.
 */

/** The time to open a connection to DynamoDB or Secrets Manager, in ms. */
export const CONNECT_TIMEOUT_MS = 500;

/** The time of one attempt at a call to either, in ms; after it the SDK tries again. */
export const ATTEMPT_TIMEOUT_MS = 1_000;

/** The most attempts at a call to DynamoDB. */
export const MAX_ATTEMPTS = 3;

/** The most that the SDK waits between these attempts in all, in ms: after throttles up to 1 s, then 2 s. */
export const MAX_BACKOFF_MS = 3_000;

/** The time for a token issuer's answer (a check, or its keys), in ms. */
export const TOKEN_TIMEOUT_MS = 3_000;

/**
 * The time before a function's timeout at which its request is answered 503, in ms. No call to DynamoDB begins after
 * it; a call sent before is assumed to take effect within one attempt's time, or never.
 */
export const ABORT_MARGIN_MS = ATTEMPT_TIMEOUT_MS;

/**
 * The timeout of a function, in seconds; `timeout` in `serverless.yml` must be the same. It leaves a call time for all
 * its attempts even after the slowest token check.
 *
 * No write takes effect later than this after the times in it were taken: the request's signal stops every call, and
 * every retry, in the last second, however long DynamoDB asks the SDK to wait.
 */
export const FUNCTION_TIMEOUT =
  (TOKEN_TIMEOUT_MS + MAX_ATTEMPTS * ATTEMPT_TIMEOUT_MS + MAX_BACKOFF_MS + ABORT_MARGIN_MS) / 1_000;

const signals = new AsyncLocalStorage<AbortSignal>();

/** Runs a request's work. @param signal aborts once the response is sent; `requestSignal` returns it during the work */
export function withRequestSignal<Result>(signal: AbortSignal, work: () => Result): Result {
  return signals.run(signal, work);
}

/** The signal of the current request, undefined outside of one: no call may begin after it has aborted. */
export function requestSignal(): AbortSignal | undefined {
  return signals.getStore();
}

/** A time as the API writes it: ISO 8601 in UTC, whole seconds, such as `2015-01-31T15:12:36Z`. */
export function isoTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** A time, given in seconds since 1970, as the API writes it. */
export function isoTimeOf(seconds: number): string {
  return isoTime(new Date(seconds * 1_000));
}

/** A time in whole seconds since 1970. */
export function epochSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
