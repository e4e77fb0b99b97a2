import { updateItem } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { epochSeconds, isoTime } from "../../times.ts";
import type { DeliveredDeployment } from "../deployment.ts";
import { hasTimedOut } from "../run.ts";
import { findRow } from "./read.ts";
import { type DeploymentRow, encodeEvents, isLive, TableName } from "./row.ts";

/** How long a poll waits for what it collects to be recorded, in ms. */
const RECORD_TIMEOUT_MS = 1_000;

/** The deliveries that a poll hands out. */
interface Recorded {
  /** Those that may go out: without what has moved on since, or was removed. */
  current: DeliveredDeployment[];
  /** How many of them were collected for the first time. */
  collected: number;
}

/**
 * Records that a server collects deliveries for the first time, before they are handed out: at most one write for each.
 * It is no change of a deployment: neither its time nor its revision moves. Never fails: where the storage does, the
 * delivery goes out all the same, and the next poll of a changed server records it.
 * @param deployments as an index knows them, which may be a moment behind
 */
export async function recordCollected(
  deployments: DeliveredDeployment[],
  requestId: string,
  now: Date,
): Promise<Recorded> {
  const outcomes = await Promise.all(
    // What has run into its time limit failed because nobody had collected it; that stays so.
    deployments.map((deployment) =>
      deployment.collected_time !== null || hasTimedOut(deployment, now)
        ? "known"
        : recordOne(deployment, requestId, now).catch(() => "known"),
    ),
  );
  return {
    current: deployments.filter((_, at) => outcomes[at] !== "gone"),
    collected: outcomes.filter((outcome) => outcome === "recorded").length,
  };
}

/**
 * @returns whether it has recorded the delivery, or found that it is, with its attempt, the present one or no longer
 * @throws ServiceError `unavailable`
 */
async function recordOne(
  { project_id, id, delivery, attempt }: DeliveredDeployment,
  requestId: string,
  now: Date,
): Promise<"recorded" | "known" | "gone"> {
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
      ConditionExpression: all(
        row.compare("delivery", "=", delivery),
        row.isAsRead("attempt", attempt || undefined),
        row.isAsRead("collected_time", undefined),
      ),
      ...row.placeholders,
    },
    RECORD_TIMEOUT_MS,
  );
  if (written) return "recorded";
  // It may have been recorded before, which the index does not know yet.
  const current = await findRow(project_id, id);
  const isCurrent =
    current && isLive(current, now) && current.delivery === delivery && (current.attempt ?? 0) === attempt;
  return isCurrent ? "known" : "gone";
}
