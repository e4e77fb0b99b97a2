import { ServiceError } from "../errors.ts";
import { settingFault } from "../settings.ts";
import { logger } from "./access-log.ts";
import type { Middleware } from "./event.ts";

/**
 * Middlewares: reject every request, as `unavailable`, where the container could not be started rightly; a line of the
 * log says which setting is wrong. To be made once all files are loaded, as these read the settings.
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
