import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { JsonText } from "../json/json-text.ts";

/** The stored form of a JSON value: its text, or the text's raw deflate (RFC 1951). */
export type StoredJson = string | Uint8Array;

/** The value of an attribute; undefined means that it is not written. */
type AttributeValue = string | number | boolean | Uint8Array | string[] | object | undefined;

/** The most bytes of one item, names and values: DynamoDB's limit. */
export const MAX_ITEM_BYTES = 409_600;

/** The bytes of an item that one write unit pays for. */
const WRITE_UNIT_BYTES = 1_024;

/**
 * The stored form of JSON values: their texts, which keep key order and every digit, or deflated where that saves a
 * write unit. Null values are left out.
 * @param others the item's other attributes, which count towards its write units
 */
export function storedJson<Name extends string>(
  values: Record<Name, JsonText | string | null>,
  others: object,
): Partial<Record<Name, StoredJson>> {
  const texts: Partial<Record<Name, StoredJson>> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== null) texts[name] = typeof value === "string" ? value : value.text;
  }
  if (bytesOf(others) + bytesOf(texts) <= WRITE_UNIT_BYTES) return texts;
  for (const name in texts) texts[name] = smaller(String(texts[name]));
  return texts;
}

/** The JSON text of a value that `storedJson` made. */
export function restoredText(stored: StoredJson): string {
  return typeof stored === "string" ? stored : inflateRawSync(stored).toString();
}

/** The size of attributes as DynamoDB counts it, in bytes. Names must be ASCII; a number counts as its longest form. */
export function bytesOf(attributes: object): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) bytes += name.length + valueBytes(value);
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  if (typeof value === "number") return 21;
  if (typeof value === "string" || value instanceof Uint8Array) return Buffer.byteLength(value);
  if (typeof value !== "object") return 1;
  if (Array.isArray(value)) return value.reduce((sum, text) => sum + 1 + Buffer.byteLength(text), 3);
  return 3 + Object.keys(value).length + bytesOf(value);
}

function smaller(text: string): StoredJson {
  const deflated = deflateRawSync(text);
  return deflated.byteLength < Buffer.byteLength(text) ? deflated : text;
}
