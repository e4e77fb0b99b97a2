import type { Item } from "../../dynamodb/calls.ts";
import { type Attributes, bytesOf, MAX_ITEM_BYTES, storedJson } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import type { Change } from "../change.ts";

/** A change with its JSON values as an item keeps them. */
export interface StoredChange extends Change {
  stored: Attributes;
}

/** The attributes that may be large. */
const LARGE = ["input_values", "output_values", "status_reason"] as const;

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

/** A change with its JSON values as an item keeps them. @throws ServiceError `invalid` when its inputs are too large */
export function withStoredValues(change: Change | StoredChange): StoredChange {
  if ("stored" in change) return change;
  const { input_values = null, output_values = null } = change.update;
  return { ...change, stored: storedValues({ input_values, output_values }, {}) };
}

/**
 * Checks that an item has room for the larger values of a change.
 * @throws ServiceError `invalid` where it has not
 */
export function checkFits(change: StoredChange, item: Item): void {
  const values = largeValues(change);
  const names = Object.keys(values);
  const replaced = LARGE.filter((name) => change.update[name] !== undefined);
  if (names.length === 0 || bytesOf(values) <= roomFor(item, replaced)) return;
  throw new ServiceError("invalid", `${names.join(", ")}: too large: a deployment takes at most 400 KB`);
}

/** The values of a change that may be large. */
export function largeValues({ update: { status_reason }, stored }: StoredChange): Attributes {
  return { ...stored, ...(status_reason && { status_reason }) };
}

/** How many bytes an item has room for in new values of the attributes `replaced`. */
export function roomFor(item: Item, replaced: string[]): number {
  const kept = Object.entries(item).filter(([name]) => name !== "events" && !replaced.includes(name));
  const history = Math.max(HISTORY_BYTES, bytesOf({ events: (item.events ?? []) as string[] }));
  return MAX_ITEM_BYTES - bytesOf(Object.fromEntries(kept) as Attributes) - history - GROWTH_BYTES;
}
