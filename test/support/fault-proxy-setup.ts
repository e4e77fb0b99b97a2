import { afterAll, afterEach, inject, vi } from "vitest";
import { type InjectedFault, startFaultProxy } from "./fault-proxy.ts";
import "./context.ts";

/** The proxy between the functions of a test file and the emulator; what one test sets ends with it. */
export const proxy = await startFaultProxy(inject("dynamodb"));

// The handlers are imported at the first request, and the client with them.
process.env.AWS_ENDPOINT_URL_DYNAMODB = proxy.url;

afterEach(() => {
  proxy.decide = () => "pass";
  proxy.calls.length = 0;
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

afterAll(() => proxy.close());

/** Injects faults into the next calls, in this order; all later ones pass. */
export const injectFaults = (...next: InjectedFault[]): void => {
  proxy.decide = () => next.shift() ?? "pass";
};

/** The calls made since it was last asked. */
export const operations = (): string[] => proxy.calls.splice(0).map(({ operation }) => operation);
