import type { Item } from "../../dynamodb/calls.ts";
import { type Attributes, restoredJson, withoutNulls } from "../../dynamodb/stored-json.ts";
import { softwareDeploymentsTable } from "../../settings.ts";
import { epochSeconds } from "../../wire/time.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import type { DeploymentEvent } from "../history.ts";
import { expiresAt, type Lifetime, timeToLive } from "../retention.ts";
import { storedValues } from "./item-size.ts";

/** The name of the table of deployments. It holds servers' rows and idempotency keys too. */
export const TableName = softwareDeploymentsTable();

/** Sorts behind the ids of all deployments, and before those of servers' rows and idempotency keys. */
export const BEHIND_IDS = "g";

/** The attributes that `deploymentOf` reads, but for results, which may be large and which metadata do not need. */
export const METADATA_ATTRIBUTES = [
  ...["project_id", "id", "server_id", "config_id", "action", "input_values", "status", "status_reason"],
  ...["stack_user_project_id", "creation_time", "updated_time", "collected_time", "collected_delivery"],
  ...["changed", "timeout", "begun", "deadline", "signal_expires", "delivery", "attempt", "reran"],
  ...["revision", "key_expires"],
];

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
  const plain = withoutNulls(attributes);
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
    attempt: item.attempt ?? 0,
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
  return expiresAt(lifetimeOf(item)) > epochSeconds(now) ? deploymentOf(item) : undefined;
}

/** The same for a list: a deployment whose values cannot be read is live without them. */
export function listedDeployment(item: Item, now: Date): SoftwareDeployment | undefined {
  try {
    return liveDeployment(item, now);
  } catch {
    const { input_values: _, output_values: __, ...readable } = item;
    const deployment = liveDeployment(readable, now);
    return deployment && { ...deployment, isUnreadable: true };
  }
}

/** What an item, or its entry in the index by server, says of until when the deployment is kept. */
export function lifetimeOf({ status, deadline, changed }: Item): Lifetime {
  return { status, deadlineAt: deadline, changedAt: changed } as Lifetime;
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
