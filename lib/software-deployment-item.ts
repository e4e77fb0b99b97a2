import { hash } from "node:crypto";
import type { DeploymentEvent } from "./deployment-event.ts";
import type { Item } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { expiry, goneFrom, type Lasting } from "./software-deployment-lifetime-item.ts";
import { type Attributes, bytesOf, MAX_ITEM_BYTES, restoredJson, storedJson } from "./stored-json.ts";
import { epoch } from "./wire/instant.ts";

/**
 * The key of the index by server: a project's own servers alone. A project's id holds no `#`, so that no two
 * pairs share a key.
 */
export const serverKey = (projectId: string, serverId: string): string => `${projectId}#${serverId}`;

/** The key of the index by configuration, made likewise. */
export const configKey = serverKey;

/**
 * The id of the row that keeps what belongs to a server itself: when its links were revoked, when a deployment of
 * it was removed. It sorts behind every deployment's id.
 */
export const serverRowId = (serverId: string): string => `server#${hash("sha256", serverId, "hex")}`;

/** Sorts behind every deployment's id and before the rows of servers. */
export const BEHIND_IDS = "g";

/** An event as an item keeps it. */
export const eventText = (event: DeploymentEvent): string => JSON.stringify(event);

/** The events that an item keeps, the oldest first. */
export const eventsOf = (item: Item): DeploymentEvent[] =>
  ((item.events ?? []) as string[]).map((text) => JSON.parse(text));

/** What the larger values of a change may take without the item being read first, in bytes as stored. */
export const SMALL_BYTES = 8_192;

/** What stays free in an item for its history at its longest, and for what is changed without being read, in bytes. */
const HISTORY_BYTES = 34_816;
const GROWTH_BYTES = 2 * SMALL_BYTES + 4_096;

/** The bytes that an item has for new values of some attributes. */
export const roomOf = (item: Item, replaced: string[]): number => {
  const kept = Object.entries(item).filter(([name]) => name !== "events" && !replaced.includes(name));
  const history = Math.max(HISTORY_BYTES, bytesOf({ events: (item.events ?? []) as string[] }));
  return MAX_ITEM_BYTES - bytesOf(Object.fromEntries(kept) as Attributes) - history - GROWTH_BYTES;
};

/**
 * What inputs may take of an item, in bytes as they are stored: beside them, the longest history and all else, at
 * least 128 KiB stay for results.
 */
const MAX_INPUT_BYTES = 163_840;

/** JSON values as an item keeps them. @throws ServiceError `invalid` when inputs leave too little for results */
export const storedValues = (values: Record<string, unknown>, plain: Attributes): Attributes => {
  const stored = storedJson(values, plain);
  const bytes = Buffer.byteLength((stored.input_values ?? "") as string | Uint8Array);
  if (bytes <= MAX_INPUT_BYTES) return stored;
  throw new ServiceError(
    "invalid",
    `input_values: too large: they take ${bytes} bytes compressed, at most ${MAX_INPUT_BYTES} can be stored`,
  );
};

/**
 * A new deployment as an item; what is null is left out.
 * @param created the first event of its history
 * @throws ServiceError `invalid` when its inputs are too large
 */
export const itemOf = (deployment: SoftwareDeployment, created: DeploymentEvent): Attributes => {
  const { input_values, output_values, reran: _, ...rest } = deployment;
  const more = {
    server_key: serverKey(rest.project_id, rest.server_id),
    config_key: configKey(rest.project_id, rest.config_id),
    ...expiry(deployment),
    events: [eventText(created)],
  };
  const plain = Object.fromEntries(
    Object.entries({ ...rest, ...more }).filter(([, value]) => value !== null),
  ) as Attributes;
  return { ...plain, ...storedValues({ input_values, output_values }, plain) };
};

/** The deployment that an item holds. */
export const deploymentOf = (item: Item): SoftwareDeployment =>
  ({
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
    begun: item.begun,
    deadline: item.deadline,
    signal_expires: item.signal_expires,
    delivery: item.delivery,
    reran: item.reran ?? false,
    revision: item.revision,
    changed: item.changed,
    key_expires: item.key_expires ?? null,
  }) as SoftwareDeployment;

/** The deployment that an item holds, if it is there at a time: neither removed nor past its end. */
export const presentIn = (item: Item | undefined, now: Date): SoftwareDeployment | undefined => {
  if (item?.server_id === undefined) return undefined;
  return goneFrom(item as Item & Lasting) > epoch(now) ? deploymentOf(item) : undefined;
};
