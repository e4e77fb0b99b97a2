import { setTimeout as sleep } from "node:timers/promises";
import { inject, vi } from "vitest";
import { CLOCK_HEADER } from "./clock-header.ts";
import "./context.ts";

/** Whether the clock of the functions can be moved; that of functions as they are deployed cannot. */
export const clockMoves = inject("movesClock") ?? true;

/** Stops the clock of this process, and of the requests that it makes: however slow a test is, no time passes in it. */
export const stopClock = (): void => {
  if (clockMoves) vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
};

/** Goes on that many ms later: by the clock where it moves, else by waiting. The test lets it run again at its end. */
export const later = async (ms: number): Promise<void> => {
  if (!clockMoves) return void (await sleep(ms));
  if (!vi.isFakeTimers()) stopClock();
  vi.setSystemTime(Date.now() + ms);
};

/** The header that takes this process's clock to the service, where it was moved. */
export const clockHeader = (): Record<string, string> => {
  if (!vi.isFakeTimers()) return {};
  const present = performance.timeOrigin + performance.now();
  return { [CLOCK_HEADER]: String(Math.round(Date.now() - present)) };
};
