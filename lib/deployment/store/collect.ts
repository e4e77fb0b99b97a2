import { batchGet, updateItem } from "../../dynamodb/calls.ts";
import { all, any, Expression } from "../../dynamodb/expression.ts";
import { epochSeconds, isoTime } from "../../times.ts";
import type { DeliveredDeployment } from "../deployment.ts";
import type { Actor } from "../history.ts";
import { type DeploymentRow, encodeEvents, isLive, TableName } from "./row.ts";

/** The time that a poll waits for the write that records a collection, in ms. */
const RECORD_TIMEOUT_MS = 1_000;

/** The writes that are made at a time: more would wait for a function's part of a CPU, and be given up. */
const AT_A_TIME = 25;

/** The most deliveries that one answer hands out for the first time; the rest are for the next poll. */
const MAX_FIRST = 200;

/** The collection that is recorded. */
export interface Collection {
  by: Actor;
  requestId: string;
  clock: () => Date;
}

/** The result of recording a collection. */
interface Recorded {
  /** The deployments that must not go out, each as it was passed. */
  leftOut: Set<DeliveredDeployment>;
  /** The number of deliveries that were collected for the first time. */
  count: number;
}

/** The result for one delivery that the index does not show as collected; `known` is one that was collected all the same. */
type RecordOutcome = "recorded" | "known" | "left_out";

/**
 * Records, before they are handed out, the deliveries that a server collects for the first time: at most one write
 * each, for at most `MAX_FIRST`, what is in progress first. It does not change `updated_time` or the revision. It never
 * throws: what is not recorded is left out, and a later poll tries again, so that everything that goes out is recorded.
 * @param deployments as read from the index, which may be a moment behind the table
 */
export async function recordCollected(
  deployments: DeliveredDeployment[],
  collection: Collection,
): Promise<Recorded> {
  const isRunning = ({ status }: DeliveredDeployment): boolean => status === "IN_PROGRESS";
  const uncollected = deployments
    .filter(({ collected_time }) => collected_time === null)
    .toSorted((one, other) => Number(isRunning(other)) - Number(isRunning(one)));
  const outcomes: RecordOutcome[] = [];
  for (let at = 0; at < Math.min(uncollected.length, MAX_FIRST); at += AT_A_TIME) {
    const some = uncollected.slice(at, Math.min(at + AT_A_TIME, MAX_FIRST));
    const recorded = some.map((one) => recordOne(one, collection).catch(() => "left_out" as const));
    outcomes.push(...(await Promise.all(recorded)));
  }
  return {
    leftOut: new Set(uncollected.filter((_, at) => (outcomes[at] ?? "left_out") === "left_out")),
    count: outcomes.filter((outcome) => outcome === "recorded").length,
  };
}

/**
 * Records one delivery, on condition that it is the current one, due, and was not given up: neither FAILED nor past its
 * time limit.
 * @throws ServiceError `unavailable`
 */
async function recordOne(
  { project_id, id, delivery, attempt }: DeliveredDeployment,
  { by, requestId, clock }: Collection,
): Promise<RecordOutcome> {
  // A poll may take seconds until it comes to this write, and a time limit pass meanwhile.
  const now = clock();
  const event = { at: epochSeconds(now), event: "collected", by, request_id: requestId } as const;
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
        row.isAbsent("collected_time"),
        isCollectable(row, epochSeconds(now)),
      ),
      ...row.placeholders,
    },
    RECORD_TIMEOUT_MS,
  );
  if (written) return "recorded";
  // The index may not show yet that it was recorded before, for instance by an attempt whose answer was lost.
  const [current] = await batchGet<DeploymentRow>(TableName, [{ project_id, id }]);
  const isKnown =
    current !== undefined &&
    isLive(current, now) &&
    current.collected_time !== undefined &&
    !current.details.canceled &&
    current.delivery === delivery &&
    (current.attempt ?? 0) === attempt;
  return isKnown ? "known" : "left_out";
}

/** The condition that a delivery is due at a time, and was not given up by then. */
function isCollectable(row: Expression<DeploymentRow>, time: number): string {
  const isRunning = all(row.compare("status", "=", "IN_PROGRESS"), row.compare("deadlineAt", ">", time));
  return all(
    any(row.isAbsent("details.notBefore"), row.compare("details.notBefore", "<=", time)),
    any(row.compare("status", "=", "COMPLETE"), `(${isRunning})`),
  );
}
