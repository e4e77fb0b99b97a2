import { hash } from "node:crypto";
import { softwareDeploymentsTable } from "./config.ts";
import { isRefused, type Key, rethrow } from "./dynamodb.ts";
import { getItem, putItem } from "./dynamodb-client.ts";
import { ServiceError } from "./errors.ts";
import { epoch } from "./wire/instant.ts";

const TableName = softwareDeploymentsTable();

/** Until when a key that is claimed now stands for its request, in seconds since 1970: 7 days. */
export const keyExpiry = (now: Date): number => epoch(now) + 7 * 86_400;

/** A request under the key that its caller gave it. */
export interface Keyed {
  projectId: string;
  key: string;
  /** What was asked for, as JSON. */
  request: unknown;
  now: Date;
}

/** What a request under a key is to make. */
export interface Claim {
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

/** It sorts behind every deployment's id, and is that of no server. */
const recordKey = ({ projectId, key }: Keyed): Key => ({
  project_id: projectId,
  id: `key#${hash("sha256", key, "hex")}`,
});

const requestHash = ({ request }: Keyed): string => hash("sha256", JSON.stringify(request), "base64url");

const find = async (keyed: Keyed): Promise<KeyRecord | undefined> => {
  const get = getItem({ TableName, Key: recordKey(keyed), ConsistentRead: true });
  const record = (await get.catch(rethrow)) as KeyRecord | undefined;
  return record && record.expires > epoch(keyed.now) ? record : undefined;
};

/** Writes the record of a key that nobody has. @returns whether it was written */
const write = async (record: KeyRecord, now: Date): Promise<boolean> => {
  const put = putItem({
    TableName,
    Item: record,
    ConditionExpression: "attribute_not_exists(id) OR expires <= :now",
    ExpressionAttributeValues: { ":now": epoch(now) },
  });
  return put.then(
    () => true,
    (error) => (isRefused(error) ? false : rethrow(error)),
  );
};

const claimOf = ({ request_hash, ids, expires }: KeyRecord, keyed: Keyed, own: string[]): Claim => {
  if (request_hash === requestHash(keyed)) return { ids, expires, replayed: ids[0] !== own[0] };
  throw new ServiceError("conflict", "Idempotency-Key: another request was made under this key");
};

/**
 * Claims a key for a request: whoever comes first has its ids written with the key, and whoever repeats the request is
 * given the same, to finish the same work.
 * @param own ids for what is to be made, if the request is the first
 * @param check refuses the request before anything is written, by throwing; not asked about a request that came before
 * @throws ServiceError `conflict` when the key stands for another request, `unavailable`, and what `check` throws
 */
export const claim = async (keyed: Keyed, own: string[], check: () => Promise<void>): Promise<Claim> => {
  const known = await find(keyed);
  if (known) return claimOf(known, keyed, own);
  await check();
  const expires = keyExpiry(keyed.now);
  const record = { ...recordKey(keyed), request_hash: requestHash(keyed), ids: own, expires };
  if (await write(record, keyed.now)) return claimOf(record, keyed, own);
  const other = await find(keyed);
  if (!other) throw new ServiceError("unavailable", "The key is being written by others: try again.");
  return claimOf(other, keyed, own);
};
