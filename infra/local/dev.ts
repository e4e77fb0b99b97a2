/**
 * The local service, begun anew whenever one of its files changes: `npm run dev`. Port, tokens and data stay: DynamoDB's
 * emulator runs beside the service, and the key that signs tokens is kept.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { endWithThisProcess } from "./emulator.ts";
import { ownOrigins, storageOptions } from "./options.ts";
import { STAGE } from "./stage.ts";
import { openStorage } from "./storage.ts";

/** How long further changes are waited for, in ms: one save, or one checkout, is several. */
const SETTLE = 100;

let isOver = false;
let wakeUp = (): void => undefined;

const { values: options } = parseArgs({
  // All other options are the service's.
  strict: false,
  options: { httpPort: { type: "string" }, host: { type: "string" } },
});
const port = String(options.httpPort ?? (process.env.PORT || 3000));
const host = typeof options.host === "string" ? options.host : undefined;
const storage = await openStorage(await storageOptions(), STAGE, ownOrigins(port, host));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
endWithNpm();

while (!isOver) {
  const awoken = new Promise<void>((resolve) => {
    wakeUp = resolve;
  });
  const watchers = watchFiles();
  const service = start();
  await awoken;
  if (!isOver) await sleep(SETTLE);
  for (const watcher of watchers) watcher.close();
  await stop(service);
  if (!isOver) process.stdout.write("\nA file has changed: the service begins anew.\n");
}

function start(): ChildProcess {
  const service = spawn("node_modules/.bin/sls", ["offline", ...process.argv.slice(2)], {
    stdio: "inherit",
    env: {
      // A restart is a second shorter.
      NODE_COMPILE_CACHE: "node_modules/.cache/node",
      ...process.env,
      AWS_ENDPOINT_URL_DYNAMODB: storage.endpoint,
    },
  });
  endWithThisProcess(service);
  return service;
}

async function stop(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  service.ref();
  service.kill();
  await once(service, "exit");
}

/** Folders are watched, not files: many editors put a new file in a file's place. */
function watchFiles() {
  const folders = globSync("{functions,lib,infra}/**/");
  const configuration = watch(".", (_, name) => void (name === "serverless.yml" && wakeUp()));
  return [configuration, ...folders.map((folder) => watch(folder, () => wakeUp()))];
}

function end(): void {
  isOver = true;
  void storage.close();
  wakeUp();
}

function endWithNpm(): void {
  const npm = process.ppid;
  setInterval(() => void (process.ppid !== npm && end()), 1_000).unref();
}
