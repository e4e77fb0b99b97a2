import { ServiceError } from "../errors.ts";
import { settingFault } from "../settings.ts";
import { logger } from "./access-log.ts";
import type { Middleware } from "./event.ts";

/**
 * Middlewares: reject every request as `unavailable` if a setting is wrong, which a line of the log names. Call it
 * after all files are loaded, since they read the settings while they load.
 */
export function rejectIfMisconfigured(): Middleware[] {
  const fault = settingFault();
  if (!fault) return [];
  logger.error("start", { ...fault });
  return [{ before: reject }];
}

function reject(): never {
  throw new ServiceError("unavailable", "The service is misconfigured.", { dependency: "start" });
}
