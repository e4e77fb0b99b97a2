import { afterAll, afterEach, inject, vi } from "vitest";
import { type InjectedFault, startFaultProxy } from "./fault-proxy.ts";
import "./context.ts";

/** The proxy between the functions of a test file and the emulator; what one test sets ends with it. */
export const proxy = await startFaultProxy(inject("dynamodb"));

// The handlers are imported at the first request, and the client with them.
process.env.AWS_ENDPOINT_URL_DYNAMODB = proxy.url;

/** Gives the functions' calls, in this test, the time that they have on Lambda: for what is about that. */
export const limitCallsAsDeployed = (): void => {
  vi.stubEnv("CALL_LIMITS", "production");
  // A limit holds for clients that are new.
  vi.resetModules();
};

afterEach(() => {
  if (process.env.CALL_LIMITS) vi.resetModules();
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
