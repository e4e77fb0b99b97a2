import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** The service as a process of its own, behind plain HTTP. */
export interface Child {
  url: string;
  process: ChildProcess;
}

const CALL_LIMITS = new URL("call-limits.ts", import.meta.url).href;
const SERVE = new URL("serve.ts", import.meta.url).pathname;

/** Starts the service with the present environment, which is a function's. @throws Error when it does not start */
export const startChild = async (): Promise<Child> => {
  const child = spawn(process.execPath, ["--import", CALL_LIMITS, SERVE], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [address] = await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(([code]) => {
      throw new Error(`The service has ended with ${code}.`);
    }),
  ]);
  return { url: String(address).trim(), process: child };
};

/** Kills the service in the middle of whatever it does, and waits until it is gone. */
export const killChild = async ({ process: child }: Child): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
};
