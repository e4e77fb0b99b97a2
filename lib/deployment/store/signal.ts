import { declaredOutputs } from "../../config/store/read.ts";
import { ServiceError } from "../../errors.ts";
import type { JsonObject } from "../../json/exact-json.ts";
import { valuesWithoutLinks } from "../../link/blanking.ts";
import type { Actor } from "../history.ts";
import { resultOf, signalChange } from "../result.ts";
import { hasTimedOut, isPresent, isTooLate } from "../run.ts";
import type { ChangeContext, Changed } from "../transitions.ts";
import { readModifyWrite } from "./change.ts";
import { fitResult } from "./fit-result.ts";
import { roomFor } from "./item-size.ts";

/** A signal of a run's result. */
export interface Signal {
  /** The agent's outputs. */
  outputs: JsonObject;
  by: Actor;
  /** The signed link by which it came: for which delivery and attempt, and until when in seconds since 1970. */
  link?: { delivery: number; attempt: number; expires: number };
}

/**
 * Writes a run's result, if the run is still in progress. The first result counts; one that comes after the time limit
 * for an older delivery or an earlier attempt changes nothing.
 * @throws ServiceError `not_found`, `unauthorized` when the link has ended, `unavailable`
 */
export async function signalDeployment(
  id: string,
  { outputs, by, link }: Signal,
  context: ChangeContext,
): Promise<Changed> {
  const { projectId, now } = context;
  // Before anything is cut, which might leave the half of a link.
  const sent = valuesWithoutLinks(outputs);
  return readModifyWrite(
    id,
    async (run, item) => {
      if (link && isTooLate(link, run, now)) {
        throw new ServiceError("unauthorized", "Authorization failed: the link is no longer valid.");
      }
      const isOlder = link !== undefined && !isPresent(link, run);
      if (isOlder || run.status !== "IN_PROGRESS" || hasTimedOut(run, now)) return undefined;
      const declared = await declaredOutputs(projectId, run.config_id);
      const result = resultOf(sent, declared, run.output_values ?? {});
      const room = roomFor(item, ["output_values", "status_reason"]);
      return signalChange(fitResult(result, room), by, context);
    },
    context,
  );
}
