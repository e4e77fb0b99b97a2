import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createTables } from "./tables.ts";

const require = createRequire(import.meta.url);

/** The programs that speak DynamoDB's wire protocol. */
export type Engine = "dynoxide" | "dynalite";

/** A running emulator. */
export interface Emulator {
  engine: Engine;
  /** Its address, as `AWS_ENDPOINT_URL_DYNAMODB` takes it. */
  endpoint: string;
  process: ChildProcess;
}

/** The folder of dynoxide, an optional dependency that exists for some platforms only. */
const dynoxide = installed("@dynoxide/linux-x64/package.json");

/** The engines that are installed here, the better one first. */
export const engines: Engine[] = dynoxide ? ["dynoxide", "dynalite"] : ["dynalite"];

const COMMANDS: Record<Engine, (host: string, port: string, dataFolder?: string) => string[]> = {
  dynoxide: (host, port, dataFolder) => [
    join(dirname(dynoxide ?? ""), "dynoxide"),
    ...["--host", host, "--port", port],
    ...(dataFolder ? ["--db-path", join(dataFolder, "dynoxide.sqlite")] : []),
  ],
  dynalite: (host, port, dataFolder) => [
    process.execPath,
    ...["--import", new URL("dynalite-guard.ts", import.meta.url).href],
    require.resolve("dynalite/cli.js"),
    ...["--host", host, "--port", port, "--createTableMs", "0", "--updateTableMs", "0"],
    ...(dataFolder ? ["--path", join(dataFolder, "dynalite")] : []),
  ],
};

/**
 * Starts an emulator and creates the tables in it. It ends with this process, however that ends. dynalite refuses web
 * pages (`refuseWebPage`); dynoxide answers them, and needs a guard (`startGuard`) where there is a browser.
 * @param options.port the port that it listens on
 * @param options.host the loopback address that it listens on, by default 127.0.0.1
 * @param options.origins the service's own origins, which dynalite answers
 * @param options.dataFolder an existing folder where the data are kept; in memory without it
 * @param options.stage the stage whose tables it holds
 * @throws Error with the emulator's own words when it does not start
 */
export async function startEmulator(options: {
  engine: Engine;
  port: number;
  host?: string;
  origins?: string[];
  stage: string;
  dataFolder?: string;
}): Promise<Emulator> {
  const { engine, port, host = "127.0.0.1", origins = [], stage, dataFolder } = options;
  const [command = "", ...args] = COMMANDS[engine](host, String(port), dataFolder);
  const env = { ...process.env, OWN_ORIGINS: origins.join() };
  const child = spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const errors = text(child.stderr);
  endWithThisProcess(child);
  const endpoint = `http://${host}:${port}`;
  await answering(endpoint, { child }).catch(async (error: Error) => {
    child.kill();
    throw new Error(`The DynamoDB emulator does not start. ${(await errors).trim() || error.message}`);
  });
  await createTables(endpoint, stage);
  return { engine, endpoint, process: child };
}

/** Ends an emulator and waits until it has ended. */
export async function stopEmulator({ process: child }: Emulator): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  child.kill();
  await once(child, "exit");
}

/**
 * Finds a TCP port that nothing listens on.
 * @param port this one, or any with 0
 * @throws Error (`EADDRINUSE`) when the port is taken
 */
export async function freePort(port = 0, host = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(port, host);
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return free;
}

/** Waits until something accepts connections on a port of this machine. */
export async function accepting(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, "localhost");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(50);
  }
}

/**
 * Waits until something answers HTTP at an address.
 * @param options.child the process that is to answer there
 * @throws Error when nothing answers in time, or when `child` ends before
 */
export async function answering(
  address: string,
  { child, seconds = 20 }: { child?: ChildProcess; seconds?: number } = {},
): Promise<void> {
  const deadline = Date.now() + seconds * 1_000;
  while (Date.now() < deadline) {
    if (child && (child.exitCode !== null || child.signalCode !== null)) break;
    const answered = await fetch(address, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (answered) return;
    await sleep(50);
  }
  throw new Error(`Nothing answers at ${address}.`);
}

/**
 * Ends a child with this process, also where this process is killed: a shell waits for the end of a pipe that nothing
 * but this process holds open.
 */
export function endWithThisProcess(child: ChildProcess): void {
  const script = 'cat >/dev/null; kill -9 "$0" 2>/dev/null';
  const guard = spawn("sh", ["-c", script, String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // In a process group of its own, Ctrl-C in the terminal does not end it.
    detached: true,
  });
  child.once("exit", () => guard.kill("SIGKILL"));
  // This process may end without waiting for them.
  for (const handle of [child, guard]) handle.unref();
  for (const pipe of [child.stderr, guard.stdin]) (pipe as Socket | null)?.unref();
}

function installed(file: string): string | undefined {
  try {
    return require.resolve(file);
  } catch {
    return undefined;
  }
}
