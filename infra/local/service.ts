import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./emulator.ts";

const ROOT = new URL("../..", import.meta.url);

/** A running `sls offline`, as a user starts it. */
export interface Service {
  url: string;
  /** The emulator's address, as the service prints it. */
  dynamodb: string;
  process: ChildProcess;
  /** Everything it has printed so far. */
  output: () => string;
}

/**
 * Starts the service by a command, by default the one of `npm start`, in a process group of its own; once more where
 * another program takes the port that was free a moment ago.
 * @param environment variables beside the present ones
 * @param folder the checkout that it runs from, by default this one
 * @throws Error with its output when it does not start
 */
export async function startService(
  environment: Record<string, string> = {},
  command: string[] = ["node_modules/.bin/sls", "offline"],
  folder: string | URL = ROOT,
): Promise<Service> {
  try {
    return await startOnce(environment, command, folder);
  } catch (error) {
    if (!/EADDRINUSE|another program listens/.test(String(error))) throw error;
    return startOnce(environment, command, folder);
  }
}

/** Ends the service as Ctrl-C in its terminal does: SIGINT for its whole process group. */
export async function stopService({ process: child }: Service): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, "SIGINT");
  await once(child, "exit");
}

/** Waits until `look` finds something. @throws Error with `what` after `seconds` */
export async function eventually<Found>(
  what: string,
  look: () => Found | undefined | Promise<Found | undefined>,
  seconds = 300,
): Promise<Found> {
  const deadline = Date.now() + seconds * 1_000;
  while (Date.now() < deadline) {
    const result = await look();
    if (result !== undefined) return result;
    await sleep(100);
  }
  throw new Error(`Not seen in ${seconds} s: ${what}`);
}

async function startOnce(
  environment: Record<string, string>,
  command: string[],
  folder: string | URL,
): Promise<Service> {
  const port = await freePort();
  const [file = "", ...args] = command;
  const env = {
    ...process.env,
    NODE_ENV: "",
    LOG_LEVEL: "INFO",
    PORT: String(port),
    ...environment,
  };
  const child = spawn(file, args, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  const dynamodb = await eventually("the service's address", () => {
    if (child.exitCode !== null) throw new Error(`The service has ended:\n${printed}`);
    return /^curl /m.test(printed) ? /^Storage .*?(http:\S+),/m.exec(printed)?.[1] : undefined;
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${printed}`);
  });
  return { url: `http://localhost:${port}`, dynamodb, process: child, output: () => printed };
}
