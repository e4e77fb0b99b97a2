import { indexKey } from "../../dynamodb/calls.ts";
import type { PathOf, RowUpdate } from "../../dynamodb/expression.ts";
import {
  bytesOf,
  MAX_ITEM_BYTES,
  restoredText,
  type StoredJson,
  storedJson,
} from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import { parseExactly } from "../../json/exact-json.ts";
import { softwareDeploymentsTable } from "../../settings.ts";
import { epochSeconds } from "../../times.ts";
import type { DeliveredDeployment, ListedDeployment, SoftwareDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import type { DeploymentEvent } from "../history.ts";
import { expiresAt, type Lifetime, timeToLive } from "../retention.ts";

/*
 * The row of a deployment: the one file that knows its attributes. They are named as in code; times in camelCase are
 * seconds since 1970, those in snake_case ISO 8601. Servers' rows and idempotency keys share the table
 * (`lib/server/row.ts`, `idempotency.ts`).
 */

/** The name of the table of deployments. */
export const TableName = softwareDeploymentsTable();

/** Greater than every deployment's id, and smaller than the ids of all other rows, which begin with `k` or later. */
export const AFTER_DEPLOYMENT_IDS = "g";

/** Small attributes that no condition of a query needs, in one map: an index takes at most 20 attributes. */
interface DeploymentDetails {
  creation_time: string;
  updated_time?: string | undefined;
  timeout?: number | undefined;
  startedAt: number;
  keyExpiresAt?: number | undefined;
  stack_user_project_id?: string | undefined;
}

/** The attributes of a deployment beside its large values and its history. */
interface SmallAttributes {
  project_id: string;
  id: string;
  /** The key of the index by server: no other attribute has the server. */
  serverKey: string;
  config_id: string;
  /** The key of the index by configuration. */
  configKey: string;
  action?: string | undefined;
  status: Status;
  deadlineAt: number;
  signalExpiresAt: number;
  delivery: number;
  attempt?: number | undefined;
  reran?: true | undefined;
  collected_time?: string | undefined;
  revision: number;
  changedAt: number;
  /** When DynamoDB may remove the row by itself, in seconds since 1970: the table's time to live. */
  expires?: number | undefined;
  details: DeploymentDetails;
}

/** Values that may be large. */
export const LARGE_VALUES = ["input_values", "output_values", "status_reason"] as const;
export type LargeValue = (typeof LARGE_VALUES)[number];

/** The attribute that holds a value which is too large for the index by server. */
type OverflowOf<Name extends LargeValue> = `large_${Name}`;

/** What the attribute of a value holds whose overflow attribute has the value. */
const OVERFLOW = true;
type Overflow = typeof OVERFLOW;

/** The attributes of the large values. A reason is never deflated. */
export type LargeAttributes = { [Name in LargeValue]?: StoredJson | Overflow | undefined } & {
  [Name in LargeValue as OverflowOf<Name>]?: StoredJson | undefined;
};

/** A deployment's row. The index by server has all of it but `events` and the overflow (`infra/stack/tables.yml`). */
export interface DeploymentRow extends SmallAttributes, LargeAttributes {
  /** The history, the oldest event first, as JSON texts. */
  events: string[];
}

/** The attributes of which a list is made, and decides by. */
export const LISTED = [
  ...([
    "id",
    "serverKey",
    "config_id",
    "action",
    "status",
    "deadlineAt",
    "changedAt",
    "collected_time",
  ] as const),
  ...(["details.creation_time", "details.updated_time", "details.timeout"] as const),
] satisfies PathOf<DeploymentRow>[];

/** The attributes that tell whether a server's deployments have changed. */
export const STATE = [
  "id",
  "revision",
  "status",
  "deadlineAt",
  "changedAt",
] as const satisfies PathOf<DeploymentRow>[];

/** The attributes that a server's metadata are made of; not its results, which may be large. */
export const DELIVERED = [
  ...STATE,
  ...(["serverKey", "config_id", "action", "input_values", "details.stack_user_project_id"] as const),
  ...(["signalExpiresAt", "delivery", "attempt", "reran", "collected_time"] as const),
] satisfies PathOf<DeploymentRow>[];

/** A row of which the attributes that a list shows were read. */
export type ListedRow = Pick<
  DeploymentRow,
  Exclude<(typeof LISTED)[number], `details.${string}`> | keyof LargeAttributes | "details"
>;

/** A row of which the attributes were read that a server's metadata are made of. */
export type DeliveredRow = Pick<
  DeploymentRow,
  | Exclude<(typeof DELIVERED)[number], `details.${string}`>
  | OverflowOf<"input_values">
  | ("output_values" | "status_reason")
> & { details?: Pick<DeploymentDetails, "stack_user_project_id"> };

/** The most that a value may take of an entry in the index by server, in bytes as stored. */
const MAX_INDEXED_BYTES = 400;

/**
 * The most that inputs may take of an item, in bytes as stored: beside them, the longest history and all else, at least
 * 128 KiB stay for results.
 */
const MAX_INPUT_BYTES = 163_840;

/** What stays free in an item for its history at its longest, in bytes. */
const HISTORY_BYTES = 34_816;

/** What stays free in an item for small attributes that grow, in bytes. */
const GROWTH_BYTES = 4_096;

/** The bytes as stored up to which values are small: larger ones leave room for two such changes after them. */
const SMALL_BYTES = 8_192;

/** The row of a deployment. @throws ServiceError `invalid` when its inputs are too large */
export function encode(deployment: SoftwareDeployment, events: DeploymentEvent[]): DeploymentRow {
  const small = smallAttributes(deployment);
  return { ...small, ...largeAttributes(deployment, small), events: encodeEvents(events) };
}

/**
 * The difference between the row of a deployment as it was read, and as it is to be.
 * @param row as it was read
 * @throws ServiceError `invalid` when the row has no room for what is new
 */
export function difference(
  before: SoftwareDeployment,
  after: SoftwareDeployment,
  row: DeploymentRow,
): RowUpdate<DeploymentRow> {
  const { details: oldDetails, ...old } = smallAttributes(before);
  const { details, ...small } = smallAttributes(after);
  const changed = changedValues(before, after, row);
  for (const [name, value] of entriesOf(small)) if (old[name] !== value) changed.push([name, value]);
  for (const [name, value] of entriesOf(details))
    if (oldDetails[name] !== value) changed.push([`details.${name}`, value]);
  return {
    set: changed.filter(([, value]) => value !== undefined),
    remove: changed.filter(([, value]) => value === undefined).map(([path]) => path),
  };
}

/** The deployment that a row holds. */
export function decode(row: DeploymentRow): SoftwareDeployment {
  const { startedAt, keyExpiresAt = null, stack_user_project_id = null } = row.details;
  return {
    ...decodeListed(row),
    project_id: row.project_id,
    stack_user_project_id,
    startedAt,
    signalExpiresAt: row.signalExpiresAt,
    delivery: row.delivery,
    attempt: row.attempt ?? 0,
    reran: row.reran ?? false,
    revision: row.revision,
    keyExpiresAt,
  };
}

/** The part of a deployment that a list shows. Values that cannot be read are left out, and it says so. */
export function decodeReadable(row: ListedRow): ListedDeployment {
  try {
    return decodeListed(row);
  } catch {
    const { input_values: _, output_values: __, ...readable } = row;
    return { ...decodeListed(readable), isUnreadable: true };
  }
}

/** The part of a deployment that its server's metadata are made of. */
export function decodeDelivered(row: DeliveredRow): DeliveredDeployment {
  const inputs = restoredText(valueIn(row, "input_values"));
  const [project_id, server_id] = ownerOf(row);
  return {
    project_id,
    id: row.id,
    server_id,
    config_id: row.config_id,
    action: row.action ?? null,
    input_values: parseExactly(inputs),
    textLength: inputs.length,
    status: row.status,
    deadlineAt: row.deadlineAt,
    signalExpiresAt: row.signalExpiresAt,
    delivery: row.delivery,
    attempt: row.attempt ?? 0,
    reran: row.reran ?? false,
    revision: row.revision,
    collected_time: row.collected_time ?? null,
  };
}

/** Whether a row is a deployment that is there for callers: neither a tombstone nor past its retention. */
export function isLive(row: Lifetime & Partial<Pick<DeploymentRow, "serverKey">>, now: Date): boolean {
  return row.serverKey !== undefined && expiresAt(row) > epochSeconds(now);
}

/** The history that a row keeps, the oldest event first. */
export function decodeHistory({ events }: DeploymentRow): DeploymentEvent[] {
  return events.map((text) => JSON.parse(text));
}

/** Events as a row keeps them. */
export function encodeEvents(events: DeploymentEvent[]): string[] {
  return events.map((event) => JSON.stringify(event));
}

/** The row that is left of a removed deployment whose creation may be repeated until then: its id stays taken. */
export function tombstone({ project_id, id }: SoftwareDeployment, expires: number) {
  return { project_id, id, expires } satisfies Partial<DeploymentRow>;
}

/** The attributes in which a value may stand. */
export function attributesOf<Name extends LargeValue>(name: Name): [Name, OverflowOf<Name>] {
  return [name, `large_${name}`];
}

/** Whether an entry in the index by server lacks one of these values, which stands in the table alone. */
export function isIncomplete(entry: LargeAttributes, names: readonly LargeValue[]): boolean {
  return names.some((name) => entry[name] === OVERFLOW && entry[`large_${name}`] === undefined);
}

/**
 * How many bytes a row has room for in new values of these names.
 * @param small whether they are small: larger ones leave room for small ones after them
 */
export function roomFor(row: DeploymentRow, names: readonly LargeValue[], small = false): number {
  const { events, ...kept } = row;
  for (const name of names) {
    delete kept[name];
    delete kept[`large_${name}`];
  }
  const history = Math.max(HISTORY_BYTES, bytesOf({ events }));
  return MAX_ITEM_BYTES - bytesOf(kept) - history - GROWTH_BYTES - (small ? 0 : 2 * SMALL_BYTES);
}

/** The attributes of a deployment that are small, undefined where there is nothing to keep. */
function smallAttributes(deployment: SoftwareDeployment): SmallAttributes {
  const { project_id, config_id } = deployment;
  return {
    project_id,
    id: deployment.id,
    serverKey: indexKey(project_id, deployment.server_id),
    config_id,
    configKey: indexKey(project_id, config_id),
    action: deployment.action ?? undefined,
    status: deployment.status,
    deadlineAt: deployment.deadlineAt,
    signalExpiresAt: deployment.signalExpiresAt,
    delivery: deployment.delivery,
    attempt: deployment.attempt || undefined,
    reran: deployment.reran || undefined,
    collected_time: deployment.collected_time ?? undefined,
    revision: deployment.revision,
    changedAt: deployment.changedAt,
    expires: timeToLive(deployment),
    details: {
      creation_time: deployment.creation_time,
      updated_time: deployment.updated_time ?? undefined,
      timeout: deployment.timeout ?? undefined,
      startedAt: deployment.startedAt,
      keyExpiresAt: deployment.keyExpiresAt ?? undefined,
      stack_user_project_id: deployment.stack_user_project_id ?? undefined,
    },
  };
}

/** The attributes of a deployment's large values. @param others the row's other attributes */
function largeAttributes(deployment: Pick<SoftwareDeployment, LargeValue>, others: object): LargeAttributes {
  const { input_values, output_values, status_reason } = deployment;
  const reason = status_reason === null ? {} : { status_reason };
  const values: Partial<Record<LargeValue, StoredJson>> = {
    ...storedJson({ input_values, output_values }, { ...others, ...reason }),
    ...reason,
  };
  const inputBytes = Buffer.byteLength(values.input_values ?? "");
  if (inputBytes > MAX_INPUT_BYTES)
    throw new ServiceError(
      "invalid",
      `input_values: too large: they take ${inputBytes} bytes compressed, at most ${MAX_INPUT_BYTES} can be stored`,
    );
  const attributes: LargeAttributes = {};
  for (const name of LARGE_VALUES) {
    const value = values[name];
    if (value === undefined) continue;
    if (Buffer.byteLength(value) <= MAX_INDEXED_BYTES) attributes[name] = value;
    else Object.assign(attributes, { [name]: OVERFLOW, [`large_${name}`]: value });
  }
  return attributes;
}

type Changed = [PathOf<DeploymentRow>, unknown];

/** The attributes of the values that change, for which there must be room. */
function changedValues(before: SoftwareDeployment, after: SoftwareDeployment, row: DeploymentRow): Changed[] {
  const names = LARGE_VALUES.filter((name) => before[name] !== after[name]);
  if (names.length === 0) return [];
  const changed = Object.fromEntries(names.map((name) => [name, after[name]]));
  const values = { input_values: null, output_values: null, status_reason: null, ...changed };
  const attributes = largeAttributes(values, {});
  const bytes = bytesOf(attributes);
  if (bytes > roomFor(row, names, bytes <= SMALL_BYTES)) {
    const given = names.filter((name) => after[name] !== null).join(", ");
    throw new ServiceError("invalid", `${given}: too large: a deployment takes at most 400 KB`);
  }
  return names.flatMap((name) =>
    [name, `large_${name}` as const]
      .filter((place) => row[place] !== undefined || attributes[place] !== undefined)
      .map((place): Changed => [place, attributes[place]]),
  );
}

function entriesOf<Attributes extends object>(attributes: Attributes) {
  return Object.entries(attributes) as [keyof Attributes & string, unknown][];
}

function decodeListed(row: ListedRow): ListedDeployment {
  const { creation_time, updated_time = null, timeout = null } = row.details;
  const inputs = restoredText(valueIn(row, "input_values"));
  const outputs = restoredText(valueIn(row, "output_values"));
  const reason = valueIn(row, "status_reason");
  const status_reason = typeof reason === "string" ? reason : null;
  return {
    id: row.id,
    server_id: ownerOf(row)[1],
    config_id: row.config_id,
    action: row.action ?? null,
    input_values: parseExactly(inputs),
    output_values: parseExactly(outputs),
    status: row.status,
    status_reason,
    creation_time,
    updated_time,
    collected_time: row.collected_time ?? null,
    timeout,
    deadlineAt: row.deadlineAt,
    changedAt: row.changedAt,
    textLength: inputs.length + outputs.length + (status_reason?.length ?? 0),
  };
}

/** A value as it is stored, wherever it stands. */
function valueIn(row: LargeAttributes, name: LargeValue): StoredJson | undefined {
  const value = row[name];
  return value === OVERFLOW ? row[`large_${name}`] : value;
}

/** The project and the server of a row. A project's id holds no `#`. */
function ownerOf({
  serverKey: key,
}: Pick<DeploymentRow, "serverKey">): [projectId: string, serverId: string] {
  const end = key.indexOf("#");
  return [key.slice(0, end), key.slice(end + 1)];
}
