import { SIGNAL_GRACE, SIGNAL_LIFE } from "./deployment-run.ts";
import type { Item } from "./dynamodb.ts";
import { FOREVER, type SoftwareDeployment } from "./software-deployment.ts";
import { type By, type Change, ownEvent } from "./software-deployment-change.ts";
import { configKey, eventText } from "./software-deployment-item.ts";
import { expiry } from "./software-deployment-lifetime-item.ts";
import { beginsRun, isNewDelivery } from "./software-deployment-request.ts";
import { epoch, instant } from "./wire/instant.ts";

/** What a change is made of besides: by whom, when, and on what condition. */
export interface Circumstances extends By {
  projectId: string;
  /** The row as it was read: the change holds only if it is still that, and its time does not go back. */
  current?: SoftwareDeployment;
  /** The time: a change counts from when it is written, which may be some reads after it was asked for. */
  clock: () => Date;
  /** Holds the tag of what is there against what the caller relies on, and throws where it moved on. */
  expects?: ((etag: string) => void) | undefined;
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

const delivers = ({ update, reruns = false }: Change): boolean => reruns || isNewDelivery(update);

/** The times of a run that begins with a time limit that is known now; null for none. */
const timesWith = (change: Change, timeout: number | null, begun: number): Item => ({
  deadline: begun + (timeout ?? FOREVER),
  ...(delivers(change) && {
    signal_expires: begun + (timeout === null ? SIGNAL_LIFE : timeout + SIGNAL_GRACE),
  }),
});

/** When the item may go, where that depends on what the row was. */
const lasting = (
  { update }: Change,
  { current, now }: Circumstances,
  changed: number,
): { expires?: number } => {
  if (!current) return {};
  const timeout = update.timeout === undefined ? current.timeout : update.timeout;
  const begun = beginsRun(update) ? epoch(now) : current.begun;
  return expiry({
    status: update.status ?? current.status,
    deadline: timeout === null ? FOREVER : begun + timeout,
    changed,
    key_expires: current.key_expires,
  });
};

/** What is set to a value that is known before the write. */
const plainSets = (change: Change, circumstances: Circumstances): Item => {
  const { update, stored } = change;
  const { input_values: _, output_values: __, ...texts } = update;
  const given = Object.entries(texts).filter(([, value]) => value !== null);
  const begun = epoch(circumstances.now);
  const changed = epoch(circumstances.clock());
  return {
    ...Object.fromEntries(given),
    ...stored,
    ...(update.config_id !== undefined && {
      config_key: configKey(circumstances.projectId, update.config_id),
    }),
    ...(change.reruns && { reran: true }),
    ...(beginsRun(update) && { begun }),
    ...(beginsRun(update) && update.timeout !== undefined && timesWith(change, update.timeout, begun)),
    ...(update.timeout === null && { deadline: FOREVER }),
    ...lasting(change, circumstances, changed),
    updated_time: updatedTime(circumstances),
    changed,
  };
};

/** The times of a run that follow from what the row keeps: its time limit, or its beginning. */
const derivedSets = (change: Change, begun: number): { expressions: string[]; values: Item } => {
  const { timeout } = change.update;
  if (!beginsRun(change.update)) {
    return typeof timeout === "number"
      ? { expressions: ["deadline = begun + :timeout"], values: {} }
      : { expressions: [], values: {} };
  }
  if (timeout !== undefined) return { expressions: [], values: {} };
  const deadline = "deadline = if_not_exists(#timeout, :forever) + :begun";
  if (!delivers(change)) return { expressions: [deadline], values: { ":forever": FOREVER } };
  return {
    expressions: [deadline, "signal_expires = if_not_exists(#timeout, :life) + :grace"],
    values: { ":forever": FOREVER, ":life": SIGNAL_LIFE - SIGNAL_GRACE, ":grace": begun + SIGNAL_GRACE },
  };
};

/** What a change takes away: what is set to null, and an end that is none any more. */
const removed = ({ update }: Change, plain: string[]): string[] => [
  ...(plain.includes("expires") ? [] : ["expires"]),
  ...Object.entries(update).flatMap(([name, value]) => (value === null ? [`#${name}`] : [])),
];

/** That the row is as it was read; or else, that nothing stands against a change of a row that was not read. */
const rowCondition = ({ current, now }: Circumstances): [string, Item] =>
  current
    ? ["revision = :revision", { ":revision": current.revision }]
    : [
        "(attribute_not_exists(updated_time) OR updated_time <= :updated_time)" +
          " AND (#status <> :in_progress OR deadline > :now)",
        { ":in_progress": "IN_PROGRESS", ":now": epoch(now) },
      ];

/** Those of the names that an expression uses, as DynamoDB wants no others. */
const used = (names: string[], expressions: string): Record<string, string> =>
  Object.fromEntries(
    names.filter((name) => new RegExp(`#${name}\\b`).test(expressions)).map((name) => [`#${name}`, name]),
  );

const updateExpression = (change: Change, plain: string[], derived: string[]): string => {
  const assignments = plain.map((name) => `#${name} = :${name}`);
  const appended = "events = list_append(if_not_exists(events, :none), :events)";
  const gone = removed(change, plain);
  return [
    `SET ${[...assignments, ...derived, appended].join(", ")}`,
    `ADD revision :one${delivers(change) ? ", delivery :one" : ""}`,
    ...(gone.length > 0 ? [`REMOVE ${gone.join(", ")}`] : []),
  ].join(" ");
};

/**
 * Writes a change as one conditional UpdateItem: on a row that is there and visible, whose history does not hold the
 * change already, and that has not run into its time limit unnoticed.
 */
export const updateExpressions = (change: Change, circumstances: Circumstances): UpdateExpressions => {
  const { delegate, now } = circumstances;
  const plain = plainSets(change, circumstances);
  const derived = derivedSets(change, epoch(now));
  const [row, rowValues] = rowCondition(circumstances);
  const visible = delegate === undefined ? "" : " AND stack_user_project_id = :delegate";
  const UpdateExpression = updateExpression(change, Object.keys(plain), derived.expressions);
  const ConditionExpression = `attribute_exists(server_id) AND NOT contains(events, :own) AND ${row}${visible}`;
  const names = ["status", "timeout", ...Object.keys(plain), ...Object.keys(change.update)];
  return {
    UpdateExpression,
    ConditionExpression,
    ExpressionAttributeNames: used(names, `${UpdateExpression} ${ConditionExpression}`),
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(plain).map(([name, value]) => [`:${name}`, value])),
      ...derived.values,
      ...rowValues,
      ...(delegate !== undefined && { ":delegate": delegate }),
      ":none": [],
      ":own": ownEvent(change),
      ":events": change.events.map(eventText),
      ":one": 1,
    },
  };
};
