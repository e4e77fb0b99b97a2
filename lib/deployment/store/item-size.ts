import type { Item } from "../../dynamodb/calls.ts";
import { type Attributes, bytesOf, MAX_ITEM_BYTES, storedJson } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import type { Change } from "../transitions.ts";

/** A change with its JSON values as an item keeps them. */
export interface StoredChange extends Change {
  stored: Attributes;
}

/** The values that may be large. */
export const LARGE = ["input_values", "output_values", "status_reason"] as const;

/** The most that one of them may take of an entry in the index by server, in bytes as stored. */
const INDEXED_BYTES = 400;

/** What the attribute of a value holds that is too large for the index, and where the value stands then. */
const ELSEWHERE = true;
const LARGE_PREFIX = "large_";

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

/**
 * Values that may be large as attributes. One that takes more of the index by server than pays stands in an attribute
 * that the index does not carry, and its own attribute says so.
 */
export function placed(values: Attributes): Attributes {
  const attributes = Object.entries(values).map(([name, value]): Attributes => {
    const isSmall = Buffer.byteLength(value as string | Uint8Array) <= INDEXED_BYTES;
    return isSmall ? { [name]: value } : { [name]: ELSEWHERE, [`${LARGE_PREFIX}${name}`]: value };
  });
  return Object.assign({}, ...attributes);
}

/** The attributes in which a value may stand. */
export function placesOf(name: string): string[] {
  return LARGE.some((one) => one === name) ? [name, `${LARGE_PREFIX}${name}`] : [name];
}

/** A value that may be large, as an item keeps it. */
export function storedValue(item: Item, name: (typeof LARGE)[number]): unknown {
  return item[name] === ELSEWHERE ? item[`${LARGE_PREFIX}${name}`] : item[name];
}

/** Whether an entry in the index by server lacks one of these values, which stands in the table alone. */
export function lacks(entry: Item, names: readonly (typeof LARGE)[number][]): boolean {
  return names.some((name) => entry[name] === ELSEWHERE && storedValue(entry, name) === undefined);
}

/** How many bytes an item has room for in new values of the attributes `replaced`. */
export function roomFor(item: Item, replaced: string[]): number {
  const left = ["events", ...replaced.flatMap(placesOf)];
  const kept = Object.entries(item).filter(([name]) => !left.includes(name));
  const history = Math.max(HISTORY_BYTES, bytesOf({ events: (item.events ?? []) as string[] }));
  return MAX_ITEM_BYTES - bytesOf(Object.fromEntries(kept) as Attributes) - history - GROWTH_BYTES;
}
