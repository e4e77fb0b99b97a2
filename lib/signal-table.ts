import type { Actor } from "./deployment-event.ts";
import { hasTimedOut, isTooLate } from "./deployment-run.ts";
import { ServiceError } from "./errors.ts";
import { fittedResult } from "./signal.ts";
import { declaredOutputs } from "./software-config-table.ts";
import { signalled } from "./software-deployment-change.ts";
import { roomOf } from "./software-deployment-item.ts";
import { changeAsRead } from "./software-deployment-table.ts";
import type { Circumstances } from "./software-deployment-update-item.ts";
import type { JsonObject } from "./wire/exact-json.ts";

/** A signal of a run's result. */
export interface Signal {
  /** The agent's outputs. */
  outputs: JsonObject;
  by: Actor;
  /** The link it came by: for which delivery, and until when in seconds since 1970. */
  link?: { delivery: number; expires: number };
}

/**
 * Writes a run's result, if the run is still in progress: the first result counts, and one that comes after the time
 * limit or for an older delivery does not.
 * @throws ServiceError `not_found`, `unauthorized` when the link has ended, `unavailable`
 */
export const signal = async (
  id: string,
  { outputs, by, link }: Signal,
  circumstances: Circumstances,
): Promise<void> => {
  const { projectId, now } = circumstances;
  await changeAsRead(
    id,
    async (run, item) => {
      if (link && isTooLate(link, run, now)) {
        throw new ServiceError("unauthorized", "Authorization failed: the link is no longer valid.");
      }
      const isOlder = link !== undefined && link.delivery !== run.delivery;
      if (isOlder || run.status !== "IN_PROGRESS" || hasTimedOut(run, now)) return undefined;
      const declared = await declaredOutputs(projectId, run.config_id);
      const room = roomOf(item, ["output_values", "status_reason"]);
      return signalled(fittedResult(outputs, declared, room), by, circumstances);
    },
    circumstances,
  );
};
