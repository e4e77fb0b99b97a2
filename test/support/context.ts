import type { Engine } from "../../infra/local/emulator.ts";

declare module "vitest" {
  /** What the set-ups hand to the test files. */
  interface ProvidedContext {
    engine: Engine;
    /** The emulator's address. */
    dynamodb: string;
    /** The address of a running service; absent where handlers run in process. */
    apiUrl: string;
  }
}
