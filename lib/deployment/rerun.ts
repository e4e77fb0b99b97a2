import { type Change, type ChangeContext, newChange } from "./transitions.ts";

/** Running a deployment once more, as a change: in progress, without results, a new delivery. */
export function rerunChange(context: ChangeContext): Change {
  const update = { status: "IN_PROGRESS", status_reason: null, output_values: null } as const;
  return { ...newChange(update, { event: "rerun", by: "user" }, context), reruns: true };
}
