import type { Item } from "../../dynamodb/calls.ts";
import { epochSeconds, isoTime } from "../../iso-time.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { timeToLive } from "../retention.ts";
import { deadlineOf, FOREVER, SIGNAL_GRACE, SIGNAL_LIFETIME, signalExpiry } from "../run.ts";
import { beginsRun, type Change, type ChangeContext, isNewDelivery, ownEvent } from "../transitions.ts";
import { LARGE, largeValues, placed, placesOf, type StoredChange } from "./item-size.ts";
import { configKey, eventText, pathOf } from "./row.ts";

/** What an UpdateItem has beside its table and key. */
export interface UpdateExpressions {
  UpdateExpression: string;
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Item;
}

/**
 * A change as one conditional UpdateItem: of a row that is there and visible, whose history does not hold the change
 * already, and that has not run into its time limit unnoticed.
 * @param current the deployment as it was read, if it was: the write then requires the same revision
 */
export function updateExpressions(
  change: StoredChange,
  context: ChangeContext,
  current?: SoftwareDeployment,
): UpdateExpressions {
  const { delegateProjectId, now } = context;
  const assigned = assignedValues(change, context, current);
  const computed = computedTimes(change, epochSeconds(now));
  const [row, rowValues] = rowCondition(now, current);
  const visible = delegateProjectId === undefined ? "" : " AND details.stack_user_project_id = :delegate";
  const UpdateExpression = updateExpression(change, Object.keys(assigned), computed.expressions);
  const own = ownEvent(change);
  const unrepeated = own ? " AND NOT contains(events, :own)" : "";
  const ConditionExpression = `attribute_exists(server_key)${unrepeated} AND ${row}${visible}`;
  const set = [...Object.keys(assigned), ...Object.keys(change.update)];
  const names = ["status", "timeout", "begun", "expires", "collected_time", ...set.flatMap(placesOf)];
  return {
    UpdateExpression,
    ConditionExpression,
    ExpressionAttributeNames: usedNames(names, `${UpdateExpression} ${ConditionExpression}`),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(assigned).map(([name, value]) => [`:${name}`, value])),
      ...computed.values,
      ...rowValues,
      ...(delegateProjectId !== undefined && { ":delegate": delegateProjectId }),
      ...(own && { ":none": [], ":own": eventText(own), ":events": change.events.map(eventText) }),
      ":one": 1,
    },
  };
}

/** The attributes that are set to values which are known before the write. */
function assignedValues(change: StoredChange, context: ChangeContext, current?: SoftwareDeployment): Item {
  const { update } = change;
  const { input_values: _, output_values: __, status_reason: ___, ...texts } = update;
  const given = Object.entries(texts).filter(([, value]) => value !== null);
  const begun = epochSeconds(context.now);
  const changed = epochSeconds(context.clock());
  return {
    ...Object.fromEntries(given),
    ...placed(largeValues(change)),
    ...(update.config_id !== undefined && { config_key: configKey(context.projectId, update.config_id) }),
    ...(change.reruns && { reran: true }),
    ...(beginsRun(change) && { begun }),
    ...(update.timeout !== undefined && beginsRun(change) && runTimes(change, update.timeout, begun)),
    ...(update.timeout === null && !beginsRun(change) && { deadline: FOREVER }),
    ...(current && expiry(change, current, { begun, changed })),
    updated_time: updatedTime(context.now, current),
    changed,
    // A change that names nothing has no event by which a repeat could be recognized.
    ...(change.events.length === 0 && { touched_by: context.requestId }),
  };
}

/** The times of a run whose time limit the change itself sets; null for none. */
function runTimes(change: Change, timeout: number | null, startedAt: number): Item {
  const deadlineAt = deadlineOf(startedAt, timeout);
  const signalExpiresAt = signalExpiry({ timeout, startedAt, deadlineAt });
  return { deadline: deadlineAt, ...(isNewDelivery(change) && { signal_expires: signalExpiresAt }) };
}

/** The times of a run that follow from what the row keeps: its time limit, or its start. */
function computedTimes(change: Change, begun: number): { expressions: string[]; values: Item } {
  const { timeout } = change.update;
  if (!beginsRun(change)) {
    return typeof timeout === "number"
      ? { expressions: [`deadline = ${pathOf("begun")} + :timeout`], values: {} }
      : { expressions: [], values: {} };
  }
  if (timeout !== undefined) return { expressions: [], values: {} };
  const limit = pathOf("timeout");
  const deadline = `deadline = if_not_exists(${limit}, :forever) + :begun`;
  if (!isNewDelivery(change)) return { expressions: [deadline], values: { ":forever": FOREVER } };
  return {
    expressions: [deadline, `signal_expires = if_not_exists(${limit}, :lifetime) + :grace`],
    values: {
      ":forever": FOREVER,
      ":lifetime": SIGNAL_LIFETIME - SIGNAL_GRACE,
      ":grace": begun + SIGNAL_GRACE,
    },
  };
}

/** The item's time to live after the change, which depends on what the row was. */
function expiry(
  change: Change,
  current: SoftwareDeployment,
  { begun, changed }: { begun: number; changed: number },
): Item {
  const { update } = change;
  const timeout = update.timeout === undefined ? current.timeout : update.timeout;
  const startedAt = beginsRun(change) ? begun : current.startedAt;
  const expires = timeToLive({
    status: update.status ?? current.status,
    deadlineAt: deadlineOf(startedAt, timeout),
    changedAt: changed,
    keyExpiresAt: current.keyExpiresAt,
  });
  return expires === undefined ? {} : { expires };
}

/** The time of the change; that of a change before it, where that was written by a clock ahead of ours. */
function updatedTime(now: Date, current?: SoftwareDeployment): string {
  const time = isoTime(now);
  const before = current?.updated_time;
  return before && before > time ? before : time;
}

/** That the row is as it was read; or, where it was not read, that nothing stands against the change. */
function rowCondition(now: Date, current?: SoftwareDeployment): [condition: string, values: Item] {
  if (current) return ["revision = :revision", { ":revision": current.revision }];
  const updated = pathOf("updated_time");
  return [
    `(attribute_not_exists(${updated}) OR ${updated} <= :updated_time)` +
      " AND (#status <> :in_progress OR deadline > :now)",
    { ":in_progress": "IN_PROGRESS", ":now": epochSeconds(now) },
  ];
}

function updateExpression(change: Change, assigned: string[], computed: string[]): string {
  const assignments = assigned.map((name) => `${pathOf(name)} = :${name}`);
  const appended =
    change.events.length > 0 ? ["events = list_append(if_not_exists(events, :none), :events)"] : [];
  const removed = removedPaths(change, assigned);
  return [
    `SET ${[...assignments, ...computed, ...appended].join(", ")}`,
    `ADD revision :one${countedRun(change)}`,
    ...(removed.length > 0 ? [`REMOVE ${removed.join(", ")}`] : []),
  ].join(" ");
}

/** What is counted besides: deliveries, and further attempts at one, which end the links of those before. */
function countedRun(change: Change): string {
  if (isNewDelivery(change)) return ", delivery :one";
  return beginsRun(change) ? ", attempt :one" : "";
}

/**
 * What a change takes away: what it sets to null, where values stood before, a time to live that no longer holds, and
 * that a delivery was collected which is no longer the present one.
 */
function removedPaths(change: Change, assigned: string[]): string[] {
  const { update } = change;
  const collected = isNewDelivery(change) ? ["collected_time"] : [];
  const replaced = LARGE.filter((name) => update[name] !== undefined).flatMap(placesOf);
  const cleared = Object.entries(update).flatMap(([name, value]) => (value === null ? [name] : []));
  const gone = new Set(
    ["expires", ...collected, ...replaced, ...cleared].filter((name) => !assigned.includes(name)),
  );
  return [...gone].map(pathOf);
}

/** Keeps only the attribute names that the expressions use; DynamoDB rejects unused ones. */
function usedNames(names: string[], expressions: string): Record<string, string> {
  const used = new Set(expressions.match(/#\w+/g));
  return Object.fromEntries(names.filter((name) => used.has(`#${name}`)).map((name) => [`#${name}`, name]));
}
