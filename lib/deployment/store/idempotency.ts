import { hash } from "node:crypto";
import { getItem, type Key, putItem } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../iso-time.ts";
import { TableName } from "./row.ts";

/** How long a key stands for its request, in seconds: 7 days. */
const LIFETIME = 7 * 86_400;

/** A request under the idempotency key that its caller gave it. */
export interface KeyedRequest {
  projectId: string;
  key: string;
  /** What was asked for, as JSON. */
  request: unknown;
  now: Date;
}

/** What a request under a key is to make. */
export interface Claim {
  /** The ids of the deployments that the request makes, or made. */
  ids: string[];
  /** Until when the key stands for the request, in seconds since 1970. */
  expires: number;
  /** Whether the request came before. */
  replayed: boolean;
}

type KeyRecord = Key & {
  request_hash: string;
  ids: string[];
  expires: number;
};

/**
 * Claims a key for a request. Whoever comes first has its ids written with the key; whoever repeats the request gets
 * the same ids, to finish the same work.
 * @param own ids for what is to be made, if the request is the first
 * @param check refuses the request by throwing, before anything is written; not called for a request that came before
 * @throws ServiceError `conflict` when the key stands for another request, `unavailable`, and what `check` throws
 */
export async function claimKey(
  keyed: KeyedRequest,
  own: string[],
  check: () => Promise<void>,
): Promise<Claim> {
  const known = await findRecord(keyed);
  if (known) return claimOf(known, keyed, own);
  await check();
  const expires = keyExpiry(keyed.now);
  const record = { ...recordKey(keyed), request_hash: requestHash(keyed), ids: own, expires };
  if (await writeRecord(record, keyed.now)) return claimOf(record, keyed, own);
  const other = await findRecord(keyed);
  if (!other) throw new ServiceError("unavailable", "The key is being written by others: try again.");
  return claimOf(other, keyed, own);
}

/** Until when a key that is claimed now stands for its request, in seconds since 1970. */
export function keyExpiry(now: Date): number {
  return epochSeconds(now) + LIFETIME;
}

async function findRecord(keyed: KeyedRequest): Promise<KeyRecord | undefined> {
  const item = await getItem({ TableName, Key: recordKey(keyed), ConsistentRead: true });
  const record = item as KeyRecord | undefined;
  return record && record.expires > epochSeconds(keyed.now) ? record : undefined;
}

/** Writes the record of a key that nobody has. @returns whether it was written */
async function writeRecord(record: KeyRecord, now: Date): Promise<boolean> {
  const { written } = await putItem({
    TableName,
    Item: record,
    ConditionExpression: "attribute_not_exists(id) OR expires <= :now",
    ExpressionAttributeValues: { ":now": epochSeconds(now) },
  });
  return written;
}

/** The key of a record. It sorts behind every deployment's id, and is that of no server's row. */
function recordKey({ projectId, key }: KeyedRequest): Key {
  return { project_id: projectId, id: `key#${hash("sha256", key, "hex")}` };
}

function requestHash({ request }: KeyedRequest): string {
  return hash("sha256", JSON.stringify(request), "base64url");
}

function claimOf({ request_hash, ids, expires }: KeyRecord, keyed: KeyedRequest, own: string[]): Claim {
  if (request_hash === requestHash(keyed)) return { ids, expires, replayed: ids[0] !== own[0] };
  throw new ServiceError("conflict", "Idempotency-Key: another request was made under this key");
}
