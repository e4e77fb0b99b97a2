import type { Engine } from "../../infra/local/emulator.ts";

/** The emulators that tests run on: those of the local service, and AWS's own. */
export type TestEngine = Engine | "dynamodb-local";

declare module "vitest" {
  /** The values that the set-ups hand to the test files. */
  interface ProvidedContext {
    engine: TestEngine;
    /** The emulator's address. */
    dynamodb: string;
    /** The name of the table of deployments where it is not the local one. */
    table: string;
    /** The address of a running service; absent where handlers run in process. */
    apiUrl: string;
    /** Whether the clock of the running service can be moved. */
    movesClock: boolean;
  }
}
