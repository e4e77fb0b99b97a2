import type { Item } from "../../dynamodb/calls.ts";
import {
  type Attributes,
  bytesOf,
  MAX_ITEM_BYTES,
  restoredJson,
  storedJson,
} from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import { softwareDeploymentsTable } from "../../settings.ts";
import { epochSeconds } from "../../wire/time.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import type { DeploymentEvent } from "../history.ts";
import { expiresAt, timeToLive } from "../retention.ts";

/** The name of the table of deployments. It holds servers' rows and idempotency keys too. */
export const TableName = softwareDeploymentsTable();

/** Sorts behind the ids of all deployments, and before those of servers' rows and idempotency keys. */
export const BEHIND_IDS = "g";

/** What the larger values of a change may take without the item being read first, in bytes as stored. */
export const SMALL_BYTES = 8_192;

/** What stays free in an item for its history at its longest, in bytes. */
const HISTORY_BYTES = 34_816;

/** What stays free in an item for changes that do not read it first, in bytes. */
const GROWTH_BYTES = 2 * SMALL_BYTES + 4_096;

/**
 * What inputs may take of an item, in bytes as stored: beside them, the longest history and all else, at least 128 KiB
 * stay for results.
 */
const MAX_INPUT_BYTES = 163_840;

/**
 * A new deployment as an item. What is null is left out.
 * @param created the first event of its history
 * @throws ServiceError `invalid` when its inputs are too large
 */
export function itemOf(deployment: SoftwareDeployment, created: DeploymentEvent): Attributes {
  const { project_id, id, server_id, config_id, input_values, output_values } = deployment;
  const attributes = {
    project_id,
    id,
    server_id,
    server_key: serverKey(project_id, server_id),
    config_id,
    config_key: configKey(project_id, config_id),
    action: deployment.action,
    status: deployment.status,
    status_reason: deployment.status_reason,
    stack_user_project_id: deployment.stack_user_project_id,
    creation_time: deployment.creation_time,
    updated_time: deployment.updated_time,
    timeout: deployment.timeout,
    begun: deployment.startedAt,
    deadline: deployment.deadlineAt,
    signal_expires: deployment.signalExpiresAt,
    delivery: deployment.delivery,
    revision: deployment.revision,
    changed: deployment.changedAt,
    key_expires: deployment.keyExpiresAt,
    expires: timeToLive(deployment) ?? null,
    events: [eventText(created)],
  };
  const plain = Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== null),
  ) as Attributes;
  return { ...plain, ...storedValues({ input_values, output_values }, plain) };
}

/** The deployment that an item holds. */
export function deploymentOf(item: Item): SoftwareDeployment {
  return {
    project_id: item.project_id,
    id: item.id,
    server_id: item.server_id,
    config_id: item.config_id,
    action: item.action ?? null,
    input_values: restoredJson(item.input_values),
    output_values: restoredJson(item.output_values),
    status: item.status,
    status_reason: item.status_reason ?? null,
    stack_user_project_id: item.stack_user_project_id ?? null,
    creation_time: item.creation_time,
    updated_time: item.updated_time ?? null,
    collected_time: item.collected_delivery === item.delivery ? (item.collected_time ?? null) : null,
    timeout: item.timeout ?? null,
    startedAt: item.begun,
    deadlineAt: item.deadline,
    signalExpiresAt: item.signal_expires,
    delivery: item.delivery,
    reran: item.reran ?? false,
    revision: item.revision,
    changedAt: item.changed,
    keyExpiresAt: item.key_expires ?? null,
  } as SoftwareDeployment;
}

/** The deployment that an item holds, where it is live at a time: neither removed nor past its retention. */
export function liveDeployment(item: Item | undefined, now: Date): SoftwareDeployment | undefined {
  // Tombstones have no server.
  if (item?.server_id === undefined) return undefined;
  const { status, deadline: deadlineAt, changed: changedAt } = item;
  const lifetime = { status, deadlineAt, changedAt } as Parameters<typeof expiresAt>[0];
  return expiresAt(lifetime) > epochSeconds(now) ? deploymentOf(item) : undefined;
}

/**
 * What is left of a removed deployment whose creation may still be repeated: its id stays taken until then.
 * @returns undefined where nothing needs to be left
 */
export function tombstone(deployment: SoftwareDeployment, now: Date): Item | undefined {
  const { project_id, id, keyExpiresAt } = deployment;
  return keyExpiresAt !== null && keyExpiresAt > epochSeconds(now)
    ? { project_id, id, expires: keyExpiresAt }
    : undefined;
}

/**
 * JSON values as attributes.
 * @param plain the item's other attributes
 * @throws ServiceError `invalid` when inputs leave too little room for results
 */
export function storedValues(values: Record<string, unknown>, plain: Attributes): Attributes {
  const stored = storedJson(values, plain);
  const bytes = Buffer.byteLength((stored.input_values ?? "") as string | Uint8Array);
  if (bytes <= MAX_INPUT_BYTES) return stored;
  throw new ServiceError(
    "invalid",
    `input_values: too large: they take ${bytes} bytes compressed, at most ${MAX_INPUT_BYTES} can be stored`,
  );
}

/** How many bytes an item has room for in new values of the attributes `replaced`. */
export function roomFor(item: Item, replaced: string[]): number {
  const kept = Object.entries(item).filter(([name]) => name !== "events" && !replaced.includes(name));
  const history = Math.max(HISTORY_BYTES, bytesOf({ events: (item.events ?? []) as string[] }));
  return MAX_ITEM_BYTES - bytesOf(Object.fromEntries(kept) as Attributes) - history - GROWTH_BYTES;
}

/** The key of the index by server. A project's id holds no `#`, so no two pairs share a key. */
export function serverKey(projectId: string, serverId: string): string {
  return `${projectId}#${serverId}`;
}

/** The key of the index by configuration. */
export function configKey(projectId: string, configId: string): string {
  return `${projectId}#${configId}`;
}

/** An event as an item keeps it. */
export function eventText(event: DeploymentEvent): string {
  return JSON.stringify(event);
}

/** The events that an item keeps, the oldest first. */
export function eventsOf(item: Item): DeploymentEvent[] {
  return ((item.events ?? []) as string[]).map((text) => JSON.parse(text));
}

/** Whether an item's history holds an event. */
export function hasEvent(item: Item, event: DeploymentEvent): boolean {
  return ((item.events ?? []) as string[]).includes(eventText(event));
}
