import { AsyncLocalStorage } from "node:async_hooks";

const signals = new AsyncLocalStorage<AbortSignal>();

/** Does the work of a request, whose signal aborts once its answer has gone. */
export function withRequestSignal<Result>(signal: AbortSignal, work: () => Result): Result {
  return signals.run(signal, work);
}

/** The signal of the request that is being worked on: no call may begin after it has aborted. */
export function requestSignal(): AbortSignal | undefined {
  return signals.getStore();
}
