import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { exitWithError } from "../exit-with-error.ts";
import { answering, type Emulator, engines, startEmulator, stopEmulator } from "./emulator.ts";
import type { StorageOptions } from "./options.ts";
import { createTables } from "./tables.ts";

/** The pause before an emulator that ended by itself is started again, in ms. */
const RESTART_PAUSE = 3_000;

/** DynamoDB as the local service uses it. */
export interface Storage {
  endpoint: string;
  /** For people. */
  description: string;
  /** Ends the emulator, where one was started. */
  close: () => Promise<void>;
}

/**
 * Opens the storage of a local run, with the tables of a stage: the emulator that runs already, or one that is started
 * here, and again whenever it ends by itself. Ends the command where that fails.
 */
export async function openStorage(options: StorageOptions, stage: string): Promise<Storage> {
  return "endpoint" in options ? joinRunning(options.endpoint, stage) : startOwn(options, stage);
}

async function joinRunning(endpoint: string, stage: string): Promise<Storage> {
  await answering(endpoint, { seconds: 3 })
    .then(() => createTables(endpoint, stage))
    .catch((error: Error) => exitWithError(`AWS_ENDPOINT_URL_DYNAMODB=${endpoint}: ${error.message}`));
  return { endpoint, description: `DynamoDB at ${endpoint}, as configured`, close: async () => {} };
}

async function startOwn(
  { port, dataFolder }: Extract<StorageOptions, { port: number }>,
  stage: string,
): Promise<Storage> {
  const engine = engines[0] ?? "dynalite";
  const start = () => startEmulator({ engine, port, stage, ...(dataFolder && { dataFolder }) });
  const emulator = await keepRunning(start).catch((error: Error) =>
    exitWithError(`${dataFolder ? `DYNAMODB_DATA=${dataFolder}: ` : ""}${error.message}`),
  );
  const where = dataFolder ? `data in ${dataFolder}` : "in memory, gone when it stops";
  return { ...emulator, description: `DynamoDB emulator at ${emulator.endpoint}, ${where}` };
}

/** Starts an emulator, and again on its port whenever it ends without having been closed. */
async function keepRunning(start: () => Promise<Emulator>): Promise<Pick<Storage, "endpoint" | "close">> {
  let emulator = await start();
  let isClosed = false;
  const restarted = async (): Promise<Emulator> => {
    for (;;) {
      try {
        return await start();
      } catch (error) {
        process.stdout.write(`${(error as Error).message}\n`);
        await sleep(RESTART_PAUSE);
      }
    }
  };
  const watch = async (): Promise<void> => {
    while (!isClosed) {
      await once(emulator.process, "exit");
      if (isClosed) return;
      process.stdout.write(
        `The DynamoDB emulator has ended; it starts again in ${RESTART_PAUSE / 1_000} s.\n`,
      );
      await sleep(RESTART_PAUSE);
      if (!isClosed) emulator = await restarted();
    }
  };
  void watch();
  return {
    endpoint: emulator.endpoint,
    close: async () => {
      isClosed = true;
      await stopEmulator(emulator);
    },
  };
}
