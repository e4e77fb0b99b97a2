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

/** Waits until `look` finds something. @throws Error with `what` after `seconds` */
export const eventually = async <Found>(
  what: string,
  look: () => Found | undefined | Promise<Found | undefined>,
  seconds = 300,
): Promise<Found> => {
  const deadline = Date.now() + seconds * 1_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`Not seen in ${seconds} s: ${what}`);
};

/**
 * Starts the service by a command, by default the one `npm start` runs, in a process group of its own; once more where
 * another program takes the port that was free a moment ago.
 * @param environment variables beside the present ones
 */
export const startService = async (
  environment: Record<string, string> = {},
  command: string[] = ["node_modules/.bin/sls", "offline"],
): Promise<Service> => {
  try {
    return await startOnce(environment, command);
  } catch (error) {
    if (!/EADDRINUSE|another program listens/.test(String(error))) throw error;
    return startOnce(environment, command);
  }
};

const startOnce = async (environment: Record<string, string>, command: string[]): Promise<Service> => {
  const port = await freePort();
  const [file = "", ...args] = command;
  const env = {
    ...process.env,
    NODE_ENV: "",
    LOG_LEVEL: "INFO",
    PORT: String(port),
    ...environment,
  };
  const child = spawn(file, args, { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
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
};

/** Ends the service as Ctrl-C in its terminal does: SIGINT for its whole process group. */
export const stopService = async ({ process: child }: Service): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, "SIGINT");
  await once(child, "exit");
};
