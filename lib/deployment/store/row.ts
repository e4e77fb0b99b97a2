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
import { JsonText } from "../../json/json-text.ts";
import { softwareDeploymentsTable } from "../../settings.ts";
import { epochSeconds } from "../../times.ts";
import type { DeliveredDeployment, ListedDeployment, SoftwareDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import type { DeploymentEvent } from "../history.ts";
import { expiresAt, type Lifetime, timeToLive } from "../retention.ts";

/*
 * The row of a deployment. Only this file reads and writes its attributes. They are named as in code; times in
 * camelCase are seconds since 1970, those in snake_case ISO 8601. Servers' rows and idempotency keys share the table
 * (`lib/server/row.ts`, `idempotency.ts`).
 */

/** The name of the table of deployments. */
export const TableName = softwareDeploymentsTable();

/** Greater than every deployment's id, and smaller than the ids of all other rows, which begin with `k` or later. */
export const AFTER_DEPLOYMENT_IDS = "g";

/** The small attributes that no condition of a query needs, in one map: an index takes at most 20 attributes. */
interface DeploymentDetails {
  creation_time: string;
  updated_time?: string | undefined;
  timeout?: number | undefined;
  startedAt: number;
  startedMs?: number | undefined;
  notBefore?: number | undefined;
  canceled?: true | undefined;
  isConfigMissing?: true | undefined;
  acceptsLateResult?: true | undefined;
  supersededResults?: number | undefined;
  keyExpiresAt?: number | undefined;
  stack_user_project_id?: string | undefined;
}

/** The attributes of a deployment without its large values and its history. */
interface SmallAttributes {
  project_id: string;
  id: string;
  /** The key of the index by server; the only attribute with the server's id. A tombstone has none. */
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
  /** The table's time to live, in seconds since 1970. */
  expires?: number | undefined;
  details: DeploymentDetails;
}

/** The values that may be large. */
export const LARGE_VALUES = ["input_values", "output_values", "status_reason"] as const;
export type LargeValue = (typeof LARGE_VALUES)[number];

/** The attribute that holds a value which is too large for the index by server. */
type OverflowOf<Name extends LargeValue> = `large_${Name}`;

/** The marker in a value's attribute that its overflow attribute holds the value. */
export const OVERFLOW = true;
type Overflow = typeof OVERFLOW;

/** The attributes of the large values. A status_reason is never deflated. */
export type LargeAttributes = { [Name in LargeValue]?: StoredJson | Overflow | undefined } & {
  [Name in LargeValue as OverflowOf<Name>]?: StoredJson | undefined;
};

/** A deployment's row. The index by server has what its queries read (`infra/stack/tables.yml`). */
export interface DeploymentRow extends SmallAttributes, LargeAttributes {
  /** The history, the oldest event first, as JSON texts. */
  events: string[];
}

/** The attributes that a list reads, without the large values. */
export const LISTED = [
  "id",
  "serverKey",
  "config_id",
  "action",
  "status",
  "deadlineAt",
  "changedAt",
  "collected_time",
  "details.creation_time",
  "details.updated_time",
  "details.timeout",
  "details.notBefore",
  "details.isConfigMissing",
] as const satisfies PathOf<DeploymentRow>[];

/** The attributes that show whether a server's deployments have changed. */
export const STATE = [
  "id",
  "revision",
  "status",
  "deadlineAt",
  "changedAt",
  "collected_time",
  "details.notBefore",
  "details.canceled",
  "details.isConfigMissing",
] as const satisfies PathOf<DeploymentRow>[];

/** The attributes that a server's metadata are rendered from: without results, which may be large. */
export const DELIVERED = [
  ...STATE,
  "serverKey",
  "config_id",
  "action",
  "input_values",
  "signalExpiresAt",
  "delivery",
  "attempt",
  "reran",
  "details.startedAt",
  "details.startedMs",
  "details.stack_user_project_id",
] as const satisfies PathOf<DeploymentRow>[];

/** The members of `details` among these paths. */
type DetailOf<Path> = Path extends `details.${infer Name extends keyof DeploymentDetails}` ? Name : never;

/** A row with only the attributes that a list reads. */
export type ListedRow = Pick<
  DeploymentRow,
  Exclude<(typeof LISTED)[number], `details.${string}`> | keyof LargeAttributes
> & { details: Pick<DeploymentDetails, DetailOf<(typeof LISTED)[number]>> };

/** A row with only the attributes that a server's metadata are rendered from. */
export type DeliveredRow = Pick<
  DeploymentRow,
  | Exclude<(typeof DELIVERED)[number], `details.${string}`>
  | OverflowOf<"input_values">
  | ("output_values" | "status_reason")
> & { details: Pick<DeploymentDetails, DetailOf<(typeof DELIVERED)[number]>> };

/** The most bytes of a value, as stored, that the index by server holds. */
const MAX_INDEXED_BYTES = 400;

/**
 * The most bytes of `input_values`, as stored. Beside them, the longest history and all other attributes, at least 128
 * KiB stay for results.
 */
const MAX_INPUT_BYTES = 163_840;

/** The bytes of an item that are reserved for its longest history. */
const HISTORY_BYTES = 34_816;

/** The bytes of an item that are reserved for small attributes that grow. */
const GROWTH_BYTES = 4_096;

/** The most bytes of small values, as stored. Larger ones leave room for two changes by small values after them. */
const SMALL_BYTES = 8_192;

type Changed = [PathOf<DeploymentRow>, unknown];

/** The row of a deployment. @throws ServiceError `invalid` if its inputs are too large */
export function encode(deployment: SoftwareDeployment, events: DeploymentEvent[]): DeploymentRow {
  const small = smallAttributes(deployment);
  return {
    ...small,
    ...largeAttributes(deployment, small),
    events: events.map((event) => JSON.stringify(event)),
  };
}

/**
 * The update that changes a deployment's row: only the attributes that differ, without the history.
 * @param row the row that `before` was read from
 * @throws ServiceError `invalid` if the row has no room for the new values
 */
export function difference(
  before: SoftwareDeployment,
  after: SoftwareDeployment,
  row: DeploymentRow,
): RowUpdate<DeploymentRow> {
  const old = new Map(flatEntries(smallAttributes(before)));
  const small = flatEntries(smallAttributes(after)).filter(([path, value]) => old.get(path) !== value);
  const changed = [...small, ...changedValues(before, after, row)];
  return {
    set: changed.filter(([, value]) => value !== undefined),
    remove: changed.filter(([, value]) => value === undefined).map(([path]) => path),
  };
}

/** The deployment that a row holds. */
export function decode(row: DeploymentRow): SoftwareDeployment {
  const { startedAt, startedMs = 0, keyExpiresAt = null, stack_user_project_id = null } = row.details;
  const { canceled: isCanceled = false, acceptsLateResult = false, supersededResults = 0 } = row.details;
  return {
    ...decodeListed(row),
    project_id: row.project_id,
    stack_user_project_id,
    startedAt,
    startedMs,
    isCanceled,
    acceptsLateResult,
    supersededResults,
    signalExpiresAt: row.signalExpiresAt,
    delivery: row.delivery,
    attempt: row.attempt ?? 0,
    reran: row.reran ?? false,
    revision: row.revision,
    keyExpiresAt,
  };
}

/**
 * The part of a deployment that a list shows. If its values cannot be read, they are null and `isUnreadable` is set.
 */
export function decodeReadable(row: ListedRow): ListedDeployment {
  try {
    return decodeListed(row);
  } catch {
    const { input_values: _, output_values: __, ...readable } = row;
    return { ...decodeListed(readable), isUnreadable: true };
  }
}

/** The part of a deployment that its server's metadata are rendered from. */
export function decodeDelivered(row: DeliveredRow): DeliveredDeployment {
  const [project_id, server_id] = ownerOf(row);
  return {
    project_id,
    id: row.id,
    server_id,
    config_id: row.config_id,
    action: row.action ?? null,
    input_values: valuesIn(row, "input_values"),
    status: row.status,
    startedAt: row.details.startedAt,
    startedMs: row.details.startedMs ?? 0,
    deadlineAt: row.deadlineAt,
    signalExpiresAt: row.signalExpiresAt,
    delivery: row.delivery,
    attempt: row.attempt ?? 0,
    reran: row.reran ?? false,
    revision: row.revision,
    collected_time: row.collected_time ?? null,
  };
}

/** Whether a row is a deployment that exists for callers: neither a tombstone nor past its retention. */
export function isLive(row: Lifetime & Partial<Pick<DeploymentRow, "serverKey">>, now: Date): boolean {
  return row.serverKey !== undefined && expiresAt(row) > epochSeconds(now);
}

/** The history in a row, the oldest event first. */
export function decodeHistory({ events }: DeploymentRow): DeploymentEvent[] {
  return events.map((text) => JSON.parse(text));
}

/** The stored form of events: JSON texts. */
export function encodeEvents(events: DeploymentEvent[]): string[] {
  return events.map((event) => JSON.stringify(event));
}

/** The row that replaces a removed deployment, so that its id stays taken. @param expires its time to live */
export function tombstone({ project_id, id }: SoftwareDeployment, expires: number) {
  return { project_id, id, expires } satisfies Partial<DeploymentRow>;
}

/** The two attributes that may hold a value. */
export function attributesOf<Name extends LargeValue>(name: Name): [Name, OverflowOf<Name>] {
  return [name, `large_${name}`];
}

/**
 * The bytes that a row has room for in new values of these names, which replace the old ones.
 * @param small whether the new values are small (`SMALL_BYTES`) and may use the room that larger ones leave
 */
export function roomFor(row: DeploymentRow, names: readonly LargeValue[], small = false): number {
  const { events, ...rest } = row;
  for (const name of names) {
    delete rest[name];
    delete rest[`large_${name}`];
  }
  const history = Math.max(HISTORY_BYTES, bytesOf({ events }));
  return MAX_ITEM_BYTES - bytesOf(rest) - history - GROWTH_BYTES - (small ? 0 : 2 * SMALL_BYTES);
}

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
    details: detailsOf(deployment),
  };
}

function detailsOf(deployment: SoftwareDeployment): DeploymentDetails {
  return {
    creation_time: deployment.creation_time,
    updated_time: deployment.updated_time ?? undefined,
    timeout: deployment.timeout ?? undefined,
    startedAt: deployment.startedAt,
    startedMs: deployment.startedMs || undefined,
    notBefore: deployment.notBefore ?? undefined,
    canceled: deployment.isCanceled || undefined,
    isConfigMissing: deployment.isConfigMissing || undefined,
    acceptsLateResult: deployment.acceptsLateResult || undefined,
    supersededResults: deployment.supersededResults || undefined,
    keyExpiresAt: deployment.keyExpiresAt ?? undefined,
    stack_user_project_id: deployment.stack_user_project_id ?? undefined,
  };
}

/**
 * The attributes of a deployment's large values.
 * @param others the row's other attributes
 * @throws ServiceError `invalid` if the inputs are too large
 */
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

/** The attributes of the large values that change. @throws ServiceError `invalid` if the row has no room for them */
function changedValues(before: SoftwareDeployment, after: SoftwareDeployment, row: DeploymentRow): Changed[] {
  const names = LARGE_VALUES.filter((name) => before[name] !== after[name]);
  if (names.length === 0) return [];
  const changed = Object.fromEntries(names.map((name) => [name, after[name]]));
  const values = { input_values: null, output_values: null, status_reason: null, ...changed };
  const attributes = largeAttributes(values, {});
  const bytes = bytesOf(attributes);
  if (bytes > roomFor(row, names, bytes <= SMALL_BYTES)) {
    const sent = names.filter((name) => after[name] !== null).join(", ");
    throw new ServiceError("invalid", `${sent}: too large: a deployment takes at most 400 KB`);
  }
  return names.flatMap((name) =>
    [name, `large_${name}` as const]
      .filter((place) => row[place] !== undefined || attributes[place] !== undefined)
      .map((place): Changed => [place, attributes[place]]),
  );
}

/** The small attributes by their paths. */
function flatEntries({ details, ...attributes }: SmallAttributes): Changed[] {
  const inDetails = Object.entries(details).map(([name, value]) => [`details.${name}`, value]);
  return [...Object.entries(attributes), ...inDetails] as Changed[];
}

function decodeListed(row: ListedRow): ListedDeployment {
  const { creation_time, updated_time = null, timeout = null } = row.details;
  const { notBefore = null, isConfigMissing = false } = row.details;
  const reason = row.status_reason === OVERFLOW ? row.large_status_reason : row.status_reason;
  const status_reason = typeof reason === "string" ? reason : null;
  return {
    id: row.id,
    server_id: ownerOf(row)[1],
    config_id: row.config_id,
    action: row.action ?? null,
    input_values: valuesIn(row, "input_values"),
    output_values: valuesIn(row, "output_values"),
    status: row.status,
    status_reason,
    creation_time,
    updated_time,
    collected_time: row.collected_time ?? null,
    timeout,
    notBefore,
    isConfigMissing,
    deadlineAt: row.deadlineAt,
    changedAt: row.changedAt,
  };
}

/**
 * Input or output values: an object, or null.
 * @throws Error for a row that was damaged behind the service's back
 */
function valuesIn(row: LargeAttributes, name: "input_values" | "output_values"): JsonText | null {
  const value = row[name];
  const stored = value === OVERFLOW ? row[`large_${name}`] : value;
  if (stored === undefined) return null;
  const text = restoredText(stored);
  if (text.startsWith("{") && text.endsWith("}")) return new JsonText(text);
  throw new Error(`The ${name} of a row are no object.`);
}

/** The project and the server of a row. A project's id holds no `#`. */
function ownerOf({
  serverKey: key,
}: Pick<DeploymentRow, "serverKey">): [projectId: string, serverId: string] {
  const end = key.indexOf("#");
  return [key.slice(0, end), key.slice(end + 1)];
}
