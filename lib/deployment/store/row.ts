import type { Item } from "../../dynamodb/calls.ts";
import { type Attributes, restoredText, withoutNulls } from "../../dynamodb/stored-json.ts";
import { epochSeconds } from "../../iso-time.ts";
import { parseExactly } from "../../json/exact-json.ts";
import { serverKey } from "../../server/store.ts";
import { softwareDeploymentsTable } from "../../settings.ts";
import type { DeliveredDeployment, ListedDeployment, SoftwareDeployment } from "../deployment.ts";
import type { DeploymentEvent } from "../history.ts";
import { expiresAt, type Lifetime, timeToLive } from "../retention.ts";
import { placed, storedValue, storedValues } from "./item-size.ts";

/** The name of the table of deployments. It holds servers' rows and idempotency keys too. */
export const TableName = softwareDeploymentsTable();

/** Sorts behind the ids of all deployments, and before those of servers' rows and idempotency keys. */
export const BEHIND_IDS = "g";

/** Small attributes that stand in one map, `details`, as an index takes at most 20 attributes. */
const DETAILS = ["creation_time", "updated_time", "timeout", "begun", "key_expires", "stack_user_project_id"];

/**
 * A new deployment as an item. What is null is left out. The index by server carries all of it but its history and
 * values that are too large (`infra/stack/tables.yml`).
 * @param created the first event of its history
 * @throws ServiceError `invalid` when its inputs are too large
 */
export function itemOf(deployment: SoftwareDeployment, created: DeploymentEvent): Attributes {
  const { project_id, id, server_id, config_id, input_values, output_values } = deployment;
  const attributes = withoutNulls({
    project_id,
    id,
    server_key: serverKey(project_id, server_id),
    config_id,
    config_key: configKey(project_id, config_id),
    action: deployment.action,
    status: deployment.status,
    deadline: deployment.deadlineAt,
    signal_expires: deployment.signalExpiresAt,
    delivery: deployment.delivery,
    revision: deployment.revision,
    changed: deployment.changedAt,
    expires: timeToLive(deployment) ?? null,
    events: [eventText(created)],
  });
  const details = withoutNulls({
    creation_time: deployment.creation_time,
    updated_time: deployment.updated_time,
    timeout: deployment.timeout,
    begun: deployment.startedAt,
    key_expires: deployment.keyExpiresAt,
    stack_user_project_id: deployment.stack_user_project_id,
  });
  const reason = withoutNulls({ status_reason: deployment.status_reason });
  const values = storedValues({ input_values, output_values }, { ...attributes, ...details, ...reason });
  return { ...attributes, details, ...placed({ ...values, ...reason }) };
}

/** Where an attribute stands, as an expression names it. */
export function pathOf(name: string): string {
  return DETAILS.includes(name) ? `details.#${name}` : `#${name}`;
}

/** The deployment that an item holds, or its entry in the index by server. */
export function deploymentOf(item: Item): SoftwareDeployment {
  const { begun, key_expires, stack_user_project_id } = (item.details ?? {}) as Item;
  return {
    ...shownOf(item),
    project_id: item.project_id,
    stack_user_project_id: stack_user_project_id ?? null,
    startedAt: begun,
    signalExpiresAt: item.signal_expires,
    delivery: item.delivery,
    attempt: item.attempt ?? 0,
    reran: item.reran ?? false,
    revision: item.revision,
    keyExpiresAt: key_expires ?? null,
  } as SoftwareDeployment;
}

/** The deployment that an item holds, where it is live at a time: neither removed nor past its retention. */
export function liveDeployment(item: Item | undefined, now: Date): SoftwareDeployment | undefined {
  return item && isLive(item, now) ? deploymentOf(item) : undefined;
}

/** The same of what its server's metadata need. */
export function deliveredDeployment(item: Item, now: Date): DeliveredDeployment | undefined {
  if (!isLive(item, now)) return undefined;
  const inputs = restoredText(storedValue(item, "input_values"));
  const [project_id, server_id] = ownerOf(item);
  return {
    project_id,
    id: item.id,
    server_id,
    config_id: item.config_id,
    action: item.action ?? null,
    input_values: parseExactly(inputs),
    textLength: inputs.length,
    status: item.status,
    deadlineAt: item.deadline,
    signalExpiresAt: item.signal_expires,
    delivery: item.delivery,
    attempt: item.attempt ?? 0,
    reran: item.reran ?? false,
    revision: item.revision,
    collected_time: item.collected_time ?? null,
  } as DeliveredDeployment;
}

/** The same for a list: a deployment whose values cannot be read is live without them. */
export function listedDeployment(item: Item, now: Date): ListedDeployment | undefined {
  if (!isLive(item, now)) return undefined;
  try {
    return shownOf(item);
  } catch {
    const { input_values: _, output_values: __, ...readable } = item;
    return { ...shownOf(readable), isUnreadable: true };
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

function isLive(item: Item, now: Date): boolean {
  // Tombstones have no server.
  return item.server_key !== undefined && expiresAt(lifetimeOf(item)) > epochSeconds(now);
}

/** What callers see of the deployment that an item holds, and what decides about that. */
function shownOf(item: Item): ListedDeployment {
  const { creation_time, updated_time, timeout } = (item.details ?? {}) as Item;
  const inputs = restoredText(storedValue(item, "input_values"));
  const outputs = restoredText(storedValue(item, "output_values"));
  const reason = (storedValue(item, "status_reason") ?? null) as string | null;
  return {
    id: item.id,
    server_id: ownerOf(item)[1],
    config_id: item.config_id,
    action: item.action ?? null,
    input_values: parseExactly(inputs),
    output_values: parseExactly(outputs),
    status: item.status,
    status_reason: reason,
    creation_time,
    updated_time: updated_time ?? null,
    collected_time: item.collected_time ?? null,
    timeout: timeout ?? null,
    deadlineAt: item.deadline,
    changedAt: item.changed,
    textLength: inputs.length + outputs.length + (reason?.length ?? 0),
  } as ListedDeployment;
}

/** The project and the server of an item, by its key in the index by server: no other attribute has the server. */
function ownerOf({ server_key }: Item): [projectId: string, serverId: string] {
  const key = server_key as string;
  const end = key.indexOf("#");
  return [key.slice(0, end), key.slice(end + 1)];
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
