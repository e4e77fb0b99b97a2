import { afterEach, beforeEach, vi } from "vitest";

/** A line of the log. */
export type LogLine = Record<string, any>;

/** The log lines of functions in this process, from the beginning of a test. */
export interface Log {
  text: () => string;
  lines: () => LogLine[];
  clear: () => void;
}

/** Records the log of each test of a file, every line of it, and keeps it from the terminal. */
export const recordLog = (): Log => {
  let written = "";
  beforeEach(() => {
    written = "";
    vi.stubEnv("LOG_LEVEL", "INFO");
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, "write").mockImplementation((chunk) => {
        written += String(chunk);
        return true;
      });
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });
  return {
    text: () => written,
    lines: () =>
      written
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    clear: () => {
      written = "";
    },
  };
};
