import { afterAll, afterEach, inject, vi } from "vitest";
import { type Meddling, startMeddler } from "./meddler.ts";
import "./context.ts";

/** The proxy between the functions of a test file and the emulator; what one test sets ends with it. */
export const meddler = await startMeddler(inject("dynamodb"));

// The handlers are imported at the first request, and the client with them.
process.env.AWS_ENDPOINT_URL_DYNAMODB = meddler.url;

afterEach(() => {
  meddler.meddle = () => "pass";
  meddler.calls.length = 0;
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

afterAll(() => meddler.close());

/** Meddles with the next calls in this order; all later ones pass. */
export const meddleWith = (...next: Meddling[]): void => {
  meddler.meddle = () => next.shift() ?? "pass";
};

/** The calls made since it was last asked. */
export const operations = (): string[] => meddler.calls.splice(0).map(({ operation }) => operation);
