import { randomInt } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { exitWithError } from "../exit-with-error.ts";
import { answering, type Emulator, engines, freePort, startEmulator, stopEmulator } from "./emulator.ts";
import { startGuard } from "./guard.ts";
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
 * here, and again whenever it ends by itself. One that is started here refuses web pages. Ends the command where it
 * fails.
 * @param origins the service's own origins, which are not refused
 */
export async function openStorage(
  options: StorageOptions,
  stage: string,
  origins: string[] = [],
): Promise<Storage> {
  return "endpoint" in options ? joinRunning(options.endpoint, stage) : startOwn(options, stage, origins);
}

async function joinRunning(endpoint: string, stage: string): Promise<Storage> {
  await answering(endpoint, { seconds: 3 })
    .then(() => createTables(endpoint, stage))
    .catch((error: Error) => exitWithError(`AWS_ENDPOINT_URL_DYNAMODB=${endpoint}: ${error.message}`));
  return { endpoint, description: `DynamoDB at ${endpoint}, as configured`, close: async () => {} };
}

async function startOwn(
  { port, dataFolder, engine = engines[0] ?? "dynalite" }: Extract<StorageOptions, { port: number }>,
  stage: string,
  origins: string[],
): Promise<Storage> {
  const place = engine === "dynoxide" ? await hiddenPlace() : { port };
  const start = () => startEmulator({ engine, ...place, origins, stage, ...(dataFolder && { dataFolder }) });
  const emulator = await keepRunning(start).catch((error: Error) =>
    exitWithError(`${dataFolder ? `DYNAMODB_DATA=${dataFolder}: ` : ""}${error.message}`),
  );
  const guard =
    engine === "dynoxide" ? await startGuard({ port, target: emulator.endpoint, origins }) : undefined;
  const { endpoint } = guard ?? emulator;
  const where = dataFolder ? `data in ${dataFolder}` : "in memory, gone when it stops";
  return {
    endpoint,
    description: `DynamoDB emulator at ${endpoint}, ${where}`,
    close: async () => {
      guard?.close();
      await emulator.close();
    },
  };
}

/**
 * A place that no web page can guess: one of 16 million loopback addresses, and a free port there. dynoxide listens on
 * nothing but TCP, and refuses nobody. It exists for Linux alone, where all of 127.0.0.0/8 is this machine.
 */
async function hiddenPlace(): Promise<{ host: string; port: number }> {
  const host = `127.${randomInt(256)}.${randomInt(256)}.${randomInt(2, 255)}`;
  return { host, port: await freePort(0, host) };
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
