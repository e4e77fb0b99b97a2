import { updateItem } from "../../dynamodb/calls.ts";
import { Expression } from "../../dynamodb/expression.ts";
import { epochSeconds, isoTime } from "../../times.ts";
import type { DeliveredDeployment } from "../deployment.ts";
import { hasTimedOut } from "../run.ts";
import { findRow } from "./read.ts";
import { type DeploymentRow, encodeEvents, isLive, TableName } from "./row.ts";

/** The time that a poll waits for the write that records a collection, in ms. */
const RECORD_TIMEOUT_MS = 1_000;

/** The result of recording a poll. */
interface Recorded {
  /** The deployments that may go out: without those that were changed or removed after the index was read. */
  current: DeliveredDeployment[];
  /** The number of deliveries that were collected for the first time. */
  collected: number;
}

/** The result for one delivery. Only an outdated one, which was changed or removed meanwhile, must not go out. */
type RecordOutcome = "recorded" | "not_recorded" | "outdated";

/**
 * Records, before they are handed out, the deliveries that a server collects for the first time: at most one write
 * each. It does not change `updated_time` or the revision. It never throws: if the storage fails, the delivery goes out
 * all the same, and a later poll records it.
 * @param deployments as read from the index, which may be a moment behind the table
 */
export async function recordCollected(
  deployments: DeliveredDeployment[],
  requestId: string,
  now: Date,
): Promise<Recorded> {
  const outcomes = await Promise.all(
    // Past its time limit the status_reason says whether it was collected, which must not change any more.
    deployments.map((deployment) =>
      deployment.collected_time !== null || hasTimedOut(deployment, now)
        ? "not_recorded"
        : recordOne(deployment, requestId, now).catch(() => "not_recorded"),
    ),
  );
  return {
    current: deployments.filter((_, at) => outcomes[at] !== "outdated"),
    collected: outcomes.filter((outcome) => outcome === "recorded").length,
  };
}

/** @throws ServiceError `unavailable` */
async function recordOne(
  { project_id, id, delivery, attempt }: DeliveredDeployment,
  requestId: string,
  now: Date,
): Promise<RecordOutcome> {
  const event = { at: epochSeconds(now), event: "collected", by: "link", request_id: requestId } as const;
  const row = new Expression<DeploymentRow>();
  const { written } = await updateItem(
    {
      TableName,
      Key: { project_id, id },
      UpdateExpression: row.update({
        set: [["collected_time", isoTime(now)]],
        append: [["events", encodeEvents([event])]],
      }),
      ConditionExpression: [
        row.compare("delivery", "=", delivery),
        row.isAsRead("attempt", attempt || undefined),
        row.isAsRead("collected_time", undefined),
      ].join(" AND "),
      ...row.placeholders,
    },
    RECORD_TIMEOUT_MS,
  );
  if (written) return "recorded";
  // The index may not show yet that it was recorded before.
  const current = await findRow(project_id, id);
  const isCurrent =
    current && isLive(current, now) && current.delivery === delivery && (current.attempt ?? 0) === attempt;
  return isCurrent ? "not_recorded" : "outdated";
}
