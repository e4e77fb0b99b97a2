import type { Serverless, Writers } from "../serverless/framework.ts";

/** The levels of `SLS_LOG_LEVEL` that show notices; `--verbose` and `--debug` set one of them. */
const SHOWING_NOTICES = ["notice", "info", "debug"];

/**
 * Has the framework and the simulator of API Gateway print warnings and errors alone while the service runs on this
 * machine, unless `SLS_LOG_LEVEL` or `--verbose` asks for more. Other commands print what they always do.
 */
export function silenceFramework({ processedInput }: Serverless, { log }: Writers): void {
  if (processedInput.commands[0] !== "offline") return;
  if (SHOWING_NOTICES.includes(process.env.SLS_LOG_LEVEL ?? "")) return;
  // The level is chosen before a plugin is loaded.
  log.levelRoot.disable();
  // The simulator prints its route table whatever the level; nothing else here uses console.log.
  console.log = () => undefined;
}
