import { type DeploymentEvent, timedOutEvent } from "./deployment-event.ts";
import { timedOutReason } from "./deployment-run.ts";
import type { Item } from "./dynamodb.ts";
import { FOREVER, type SoftwareDeployment } from "./software-deployment.ts";
import { configKey, eventText, storedValues } from "./software-deployment-item.ts";
import { beginsRun, isNewDelivery, type UpdateRequest } from "./software-deployment-request.ts";
import type { Attributes } from "./stored-json.ts";
import { epoch, instant } from "./wire/instant.ts";

/** A change of a deployment: what is set, and what else it means. */
export interface Change {
  update: UpdateRequest;
  /** Runs the deployment once more: its results go, and what is to be run counts as changed. */
  reruns?: boolean;
  events: DeploymentEvent[];
}

/** What a change is made of besides: by whom, when, and on what condition. */
export interface Circumstances {
  projectId: string;
  requestId: string;
  now: Date;
  /** The delegated tenant's project, when the caller is one. */
  delegate?: string | undefined;
  /** The row as it was read: the change holds only if it is still that, and its time does not go back. */
  current?: { revision: number; updated_time: string | null };
}

/** An UpdateItem without its table and key. */
export interface UpdateExpressions {
  UpdateExpression: string;
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Item;
}

const updatedTime = ({ now, current }: Circumstances): string => {
  const time = instant(now);
  const before = current?.updated_time;
  return before && before > time ? before : time;
};

/** What is set to a value that is known before the write. */
const plainSets = ({ update }: Change, circumstances: Circumstances): Item => {
  const { input_values = null, output_values = null, timeout, ...plain } = update;
  const sets: Attributes = { ...plain, ...storedValues({ input_values, output_values }, {}) } as Attributes;
  if (update.config_id !== undefined) sets.config_key = configKey(circumstances.projectId, update.config_id);
  if (timeout) sets.timeout = timeout;
  if (beginsRun(update)) sets.begun = epoch(circumstances.now);
  return {
    ...sets,
    request_id: circumstances.requestId,
    updated_time: updatedTime(circumstances),
    changed: epoch(circumstances.now),
  };
};

/** The deadline follows from when the run began and from the time limit, each set now or kept in the row. */
const deadline = ({ update }: Change): { expression?: string; values: Item } => {
  const { timeout } = update;
  if (timeout === 0) return { expression: "deadline = :forever", values: { ":forever": FOREVER } };
  if (beginsRun(update)) {
    return timeout === undefined
      ? {
          expression: "deadline = if_not_exists(#timeout, :forever) + :begun",
          values: { ":forever": FOREVER },
        }
      : { expression: "deadline = :timeout + :begun", values: {} };
  }
  return timeout === undefined ? { values: {} } : { expression: "deadline = begun + :timeout", values: {} };
};

/** That the row is as it was read; or else, that nothing stands against a change of a row that was not read. */
const rowCondition = ({ current, now }: Circumstances): [string, Item] =>
  current
    ? ["revision = :revision", { ":revision": current.revision }]
    : [
        "(attribute_not_exists(updated_time) OR updated_time <= :updated_time)" +
          " AND (#status <> :in_progress OR deadline > :now)",
        { ":in_progress": "IN_PROGRESS", ":now": epoch(now) },
      ];

const sets = (names: string[]): string[] => names.map((name) => `#${name} = :${name}`);

/** Those of the names that an expression uses, as DynamoDB wants no others. */
const used = (names: string[], expressions: string): Record<string, string> =>
  Object.fromEntries(
    names.filter((name) => new RegExp(`#${name}\\b`).test(expressions)).map((name) => [`#${name}`, name]),
  );

const updateExpression = (change: Change, plain: Item, limit: string | undefined): string => {
  const { update, reruns = false } = change;
  const appended = "events = list_append(if_not_exists(events, :none), :events)";
  const assignments = [...sets(Object.keys(plain)), ...(limit ? [limit] : []), appended];
  const removed = [
    ...(update.timeout === 0 ? ["#timeout"] : []),
    ...(reruns ? ["output_values", "status_reason"] : []),
  ];
  return [
    `SET ${assignments.join(", ")}`,
    `ADD revision :one${reruns || isNewDelivery(update) ? ", delivery :one" : ""}`,
    ...(removed.length > 0 ? [`REMOVE ${removed.join(", ")}`] : []),
  ].join(" ");
};

/**
 * Writes a change as one conditional UpdateItem: on a row that is there and visible, that this request has not
 * written before, and that has not run into its time limit unnoticed.
 */
export const updateExpressions = (change: Change, circumstances: Circumstances): UpdateExpressions => {
  const { delegate } = circumstances;
  const plain = plainSets(change, circumstances);
  const limit = deadline(change);
  const [row, rowValues] = rowCondition(circumstances);
  const visible = delegate === undefined ? "" : " AND stack_user_project_id = :delegate";
  const UpdateExpression = updateExpression(change, plain, limit.expression);
  const ConditionExpression = `attribute_exists(id) AND request_id <> :request_id AND ${row}${visible}`;
  const names = ["status", "timeout", ...Object.keys(plain)];
  return {
    UpdateExpression,
    ConditionExpression,
    ExpressionAttributeNames: used(names, `${UpdateExpression} ${ConditionExpression}`),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(plain).map(([name, value]) => [`:${name}`, value])),
      ...limit.values,
      ...rowValues,
      ...(delegate !== undefined && { ":delegate": delegate }),
      ":none": [],
      ":events": change.events.map(eventText),
      ":one": 1,
    },
  };
};

/** Who changes something, and when. */
type By = Pick<Circumstances, "requestId" | "now" | "delegate">;

/** An update as a change with its event. */
export const changed = (update: UpdateRequest, { requestId, now, delegate }: By): Change => {
  const by = delegate === undefined ? "user" : "delegated tenant";
  const event: DeploymentEvent = { at: epoch(now), event: "changed", by, request_id: requestId };
  const { status } = update;
  return { update, events: [{ ...event, fields: Object.keys(update), ...(status && { status }) }] };
};

/** Running a deployment once more as a change with its event: in progress, without results, a new delivery. */
export const rerun = ({ requestId, now }: By): Change => ({
  update: { status: "IN_PROGRESS" },
  reruns: true,
  events: [{ at: epoch(now), event: "rerun", by: "user", request_id: requestId, status: "IN_PROGRESS" }],
});

/**
 * The same change of a row that has run into its time limit: that is written first, and stays where the change says
 * nothing else of the status.
 */
export const afterTimeout = (change: Change, current: SoftwareDeployment, requestId: string): Change => ({
  ...change,
  update: change.update.status
    ? change.update
    : { status: "FAILED", status_reason: timedOutReason(current), ...change.update },
  events: [timedOutEvent(current, requestId), ...change.events],
});
