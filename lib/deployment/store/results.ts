import { declaredOutputs } from "../../config/store/read.ts";
import type { JsonObject } from "../../json/exact-json.ts";
import type { Actor } from "../history.ts";
import type { SignalledRun } from "../run.ts";
import { applySignal, awaitsResult } from "../transitions.ts";
import { type ChangeContext, type ChangeResult, changeDeployment } from "./change.ts";
import { fitResult } from "./fit-result.ts";
import { roomFor } from "./row.ts";

/** A signal of a run's result. */
export interface Signal {
  /** The agent's outputs. */
  outputs: JsonObject;
  by: Actor;
  /** The signed link by which it came, if it was one. */
  link?: SignalledRun;
}

/**
 * Writes the result of a run, if the run is still in progress. The first result counts; one that comes after the time
 * limit, for an older delivery or for an earlier attempt changes nothing. A result that does not fit its row is cut.
 * @throws ServiceError `not_found`, `unauthorized` when the link has ended, `unavailable`
 */
export function signalDeployment(
  id: string,
  { outputs, by, link }: Signal,
  context: ChangeContext,
): Promise<ChangeResult> {
  return changeDeployment(
    id,
    async (run, row) => {
      if (!awaitsResult(run, link, context)) return undefined;
      const declared = await declaredOutputs(context.projectId, run.config_id);
      const { after, event } = applySignal(run, { outputs, declared, by }, context);
      return { after: fitResult(after, roomFor(row, ["output_values", "status_reason"])), event };
    },
    context,
  );
}
