import { hash } from "node:crypto";
import { getItem, type Key, putItem } from "../../dynamodb/calls.ts";
import { any, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { canonicalText } from "../../json/equal-json.ts";
import { isJsonObject, writeJson } from "../../json/json-text.ts";
import { epochSeconds } from "../../times.ts";
import { TableName } from "./row.ts";

/** The lifetime of a key, in seconds: 7 days. */
const LIFETIME = 7 * 86_400;

/** A request with its idempotency key. */
export interface KeyedRequest {
  projectId: string;
  key: string;
  /** The request's body, a JSON value. */
  request: unknown;
  now: Date;
}

/** The claim of a key: the deployments that its request creates. */
export interface Claim {
  /** The ids of the deployments that the request creates, or has created. */
  ids: string[];
  /** The key's expiry, in seconds since 1970. */
  expires: number;
  /** Whether the key was claimed by an earlier request. */
  replayed: boolean;
}

/** The row of a key. Its id sorts after every deployment's id, and it is in no index. */
interface KeyRow extends Key {
  requestHash: string;
  ids: string[];
  /** The key's expiry, in seconds since 1970: the table's time to live. */
  expires: number;
}

/**
 * Claims a key for a request. The first request stores its ids with the key; a repeat gets the same ids, so that it
 * completes the same create.
 * @param ids the ids of the new deployments, if the request is the first
 * @param check throws to reject the request before the key is written; not called for a repeat
 * @throws ServiceError `conflict` if the key belongs to another request, `unavailable`, and every error of `check`
 */
export async function claimKey(
  keyed: KeyedRequest,
  ids: string[],
  check: () => Promise<void>,
): Promise<Claim> {
  const earlier = await findKey(keyed);
  const requestHash = hashOf(keyed.request);
  if (earlier) return claimOf(earlier, requestHash, ids);
  await check();
  const row = { ...keyOf(keyed), requestHash, ids, expires: keyExpiry(keyed.now) };
  if (await writeKey(row, keyed.now)) return claimOf(row, requestHash, ids);
  const concurrent = await findKey(keyed);
  if (!concurrent) throw new ServiceError("unavailable", "The key is being written by others: try again.");
  return claimOf(concurrent, requestHash, ids);
}

/** The expiry of a key that is claimed now, in seconds since 1970. */
export function keyExpiry(now: Date): number {
  return epochSeconds(now) + LIFETIME;
}

async function findKey(keyed: KeyedRequest): Promise<KeyRow | undefined> {
  const row = await getItem<KeyRow>(TableName, keyOf(keyed));
  return row && row.expires > epochSeconds(keyed.now) ? row : undefined;
}

/** Writes the row of a key, unless the key is taken. @returns whether it was written */
async function writeKey(row: KeyRow, now: Date): Promise<boolean> {
  const key = new Expression<KeyRow>();
  const { written } = await putItem({
    TableName,
    Item: row,
    ConditionExpression: any(key.isAbsent("id"), key.compare("expires", "<=", epochSeconds(now))),
    ...key.placeholders,
  });
  return written;
}

function keyOf({ projectId, key }: KeyedRequest): Key {
  return { project_id: projectId, id: `key#${hash("sha256", key, "hex")}` };
}

/** The hash that equal requests share. Null means the same as leaving an optional field out. */
function hashOf(request: unknown): string {
  const bodies = Array.isArray(request) ? request.map(withoutNulls) : withoutNulls(request);
  return hash("sha256", canonicalText(writeJson(bodies)), "base64url");
}

function withoutNulls(body: unknown): unknown {
  if (!isJsonObject(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function claimOf(row: KeyRow, requestHash: string, newIds: string[]): Claim {
  const { ids, expires } = row;
  if (row.requestHash === requestHash) return { ids, expires, replayed: ids[0] !== newIds[0] };
  throw new ServiceError("conflict", "Idempotency-Key: another request was made under this key");
}
