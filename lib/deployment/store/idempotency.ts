import { hash } from "node:crypto";
import { getItem, type Key, putItem } from "../../dynamodb/calls.ts";
import { any, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { epochSeconds } from "../../times.ts";
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

/** The row of a key. It sorts behind every deployment's id, and is that of no server. */
interface KeyRow extends Key {
  requestHash: string;
  ids: string[];
  /** Until when the key stands for its request, in seconds since 1970: the table's time to live. */
  expires: number;
}

/**
 * Claims a key for a request. Whoever comes first has its ids written with the key; whoever repeats the request gets
 * the same ids, to finish the same work.
 * @param ids for what is to be made, if the request is the first
 * @param check refuses the request by throwing, before anything is written; not called for a request that came before
 * @throws ServiceError `conflict` when the key stands for another request, `unavailable`, and what `check` throws
 */
export async function claimKey(
  keyed: KeyedRequest,
  ids: string[],
  check: () => Promise<void>,
): Promise<Claim> {
  const known = await findKey(keyed);
  if (known) return claimOf(known, keyed, ids);
  await check();
  const row = { ...keyOf(keyed), requestHash: requestHash(keyed), ids, expires: keyExpiry(keyed.now) };
  if (await writeKey(row, keyed.now)) return claimOf(row, keyed, ids);
  const other = await findKey(keyed);
  if (!other) throw new ServiceError("unavailable", "The key is being written by others: try again.");
  return claimOf(other, keyed, ids);
}

/** Until when a key that is claimed now stands for its request, in seconds since 1970. */
export function keyExpiry(now: Date): number {
  return epochSeconds(now) + LIFETIME;
}

async function findKey(keyed: KeyedRequest): Promise<KeyRow | undefined> {
  const row = await getItem<KeyRow>(TableName, keyOf(keyed));
  return row && row.expires > epochSeconds(keyed.now) ? row : undefined;
}

/** Writes the row of a key that nobody has. @returns whether it was written */
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

function requestHash({ request }: KeyedRequest): string {
  return hash("sha256", JSON.stringify(request), "base64url");
}

function claimOf({ requestHash: claimed, ids, expires }: KeyRow, keyed: KeyedRequest, own: string[]): Claim {
  if (claimed === requestHash(keyed)) return { ids, expires, replayed: ids[0] !== own[0] };
  throw new ServiceError("conflict", "Idempotency-Key: another request was made under this key");
}
