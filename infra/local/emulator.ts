import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTables } from "./tables.ts";

const require = createRequire(import.meta.url);

/** The programs that speak DynamoDB's wire protocol, the better one first. */
export type Engine = "dynoxide" | "dynalite";

/** A running emulator. */
export interface Emulator {
  engine: Engine;
  /** Its address, as `AWS_ENDPOINT_URL_DYNAMODB` takes it. */
  endpoint: string;
  process: ChildProcess;
}

const installed = (file: string): string | undefined => {
  try {
    return require.resolve(file);
  } catch {
    return undefined;
  }
};

/** The folder of dynoxide, an optional dependency that exists for some platforms only. */
const dynoxide = installed("@dynoxide/linux-x64/package.json");

/** The engines that are installed here, the better one first. */
export const engines: Engine[] = dynoxide ? ["dynoxide", "dynalite"] : ["dynalite"];

const commands: Record<Engine, (port: string, dataFolder?: string) => string[]> = {
  dynoxide: (port, dataFolder) => [
    join(dirname(dynoxide ?? ""), "dynoxide"),
    ...["--host", "127.0.0.1", "--port", port],
    ...(dataFolder ? ["--db-path", join(dataFolder, "dynoxide.sqlite")] : []),
  ],
  dynalite: (port, dataFolder) => [
    process.execPath,
    require.resolve("dynalite/cli.js"),
    ...["--host", "127.0.0.1", "--port", port, "--createTableMs", "0", "--updateTableMs", "0"],
    ...(dataFolder ? ["--path", join(dataFolder, "dynalite")] : []),
  ],
};

/**
 * Finds a TCP port that nothing listens on.
 * @param wanted this one, or any with 0
 * @throws Error (`EADDRINUSE`) when the one wanted is taken
 */
export const freePort = async (wanted = 0): Promise<number> => {
  const server = createServer().listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

/** Waits until something answers HTTP at an address. @throws Error after 20 s, or when `child` ends before. */
export const answering = async (address: string, child?: ChildProcess): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (child && (child.exitCode !== null || child.signalCode !== null)) break;
    const answered = await fetch(address, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (answered) return;
    await sleep(50);
  }
  throw new Error(`Nothing answers at ${address}.`);
};

/**
 * Starts an emulator and creates the tables in it.
 * @param options.port where it listens
 * @param options.dataFolder an existing folder where the data are kept; in memory without it
 * @param options.stage the stage whose tables it holds
 */
export const startEmulator = async (options: {
  engine: Engine;
  port: number;
  stage: string;
  dataFolder?: string;
}): Promise<Emulator> => {
  const { engine, port, stage, dataFolder } = options;
  const [command = "", ...args] = commands[engine](String(port), dataFolder);
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "ignore"] });
  // Whoever started it may end without waiting for it.
  child.unref();
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(endpoint, child);
  await createTables(endpoint, stage);
  return { engine, endpoint, process: child };
};

/** Ends an emulator and waits until it has ended. */
export const stopEmulator = async ({ process: child }: Emulator): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  child.kill();
  await once(child, "exit");
};
