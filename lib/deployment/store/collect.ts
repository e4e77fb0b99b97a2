import { getById, updateItem } from "../../dynamodb/calls.ts";
import { epochSeconds, isoTime } from "../../iso-time.ts";
import type { DeliveredDeployment } from "../deployment.ts";
import { hasTimedOut } from "../run.ts";
import { eventText, liveDeployment, TableName } from "./row.ts";

/** How long a poll waits for what it collects to be recorded, in ms. */
const RECORD_TIMEOUT = 1_000;

/** What a poll has recorded. */
interface Recorded {
  /** The deliveries that may go out: without what has moved on since, or was removed. */
  present: DeliveredDeployment[];
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
  const states = await Promise.all(
    // What has run into its time limit failed because nobody had collected it; that stays so.
    deployments.map((deployment) =>
      deployment.collected_time !== null || hasTimedOut(deployment, now)
        ? "known"
        : recordOne(deployment, requestId, now).catch(() => "known"),
    ),
  );
  return {
    present: deployments.filter((_, at) => states[at] !== "gone"),
    collected: states.filter((state) => state === "recorded").length,
  };
}

/**
 * @returns whether it has recorded the delivery, or found that it is, with its attempt, the present one or no longer
 * @throws ServiceError `unavailable`
 */
async function recordOne(
  deployment: DeliveredDeployment,
  requestId: string,
  now: Date,
): Promise<"recorded" | "known" | "gone"> {
  const { project_id, id, delivery, attempt } = deployment;
  const event = { at: epochSeconds(now), event: "collected", by: "link", request_id: requestId } as const;
  const { written } = await updateItem(
    {
      TableName,
      Key: { project_id, id },
      UpdateExpression:
        "SET collected_time = :time, events = list_append(if_not_exists(events, :none), :events)",
      ConditionExpression:
        `delivery = :delivery AND ${attempt === 0 ? "attribute_not_exists(attempt)" : "attempt = :attempt"}` +
        " AND attribute_not_exists(collected_time)",
      ExpressionAttributeValues: {
        ":time": isoTime(now),
        ":delivery": delivery,
        ...(attempt > 0 && { ":attempt": attempt }),
        ":none": [],
        ":events": [eventText(event)],
      },
    },
    { timeout: RECORD_TIMEOUT },
  );
  if (written) return "recorded";
  return (await isCollected(deployment, now)) ? "known" : "gone";
}

/** Whether a delivery that was not recorded now was recorded before, which the index may not know yet. */
async function isCollected(
  { project_id, id, delivery, attempt }: DeliveredDeployment,
  now: Date,
): Promise<boolean> {
  const current = liveDeployment(await getById(TableName, { project_id, id }), now);
  return current?.delivery === delivery && current.attempt === attempt;
}
