import { updateItem } from "../../dynamodb/calls.ts";
import { epochSeconds, isoTime } from "../../wire/time.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { hasTimedOut } from "../run.ts";
import { eventText, TableName } from "./item.ts";

/** How long a poll waits for what it collected to be recorded, in ms. */
const RECORD_TIMEOUT = 1_000;

/**
 * Records that a server collected deliveries for the first time: at most one write for each. Never fails. It is no
 * change of a deployment: neither its time nor its revision moves.
 */
export async function recordCollected(
  deployments: SoftwareDeployment[],
  requestId: string,
  now: Date,
): Promise<void> {
  // What has run into its time limit failed because nobody had collected it; that stays so.
  const fresh = deployments.filter(
    (deployment) => deployment.collected_time === null && !hasTimedOut(deployment, now),
  );
  await Promise.all(fresh.map((deployment) => recordOne(deployment, requestId, now)));
}

async function recordOne(
  { project_id, id, delivery }: SoftwareDeployment,
  requestId: string,
  now: Date,
): Promise<void> {
  const event = { at: epochSeconds(now), event: "collected", by: "link", request_id: requestId } as const;
  const update = {
    TableName,
    Key: { project_id, id },
    UpdateExpression:
      "SET collected_time = :time, collected_delivery = :delivery," +
      " events = list_append(if_not_exists(events, :none), :events)",
    ConditionExpression:
      "delivery = :delivery AND (attribute_not_exists(collected_delivery) OR collected_delivery < :delivery)",
    ExpressionAttributeValues: {
      ":time": isoTime(now),
      ":delivery": delivery,
      ":none": [],
      ":events": [eventText(event)],
    },
  };
  // The server is answered all the same, and soon; the next poll of a changed server tries again.
  await updateItem(update, { timeout: RECORD_TIMEOUT }).catch(() => undefined);
}
