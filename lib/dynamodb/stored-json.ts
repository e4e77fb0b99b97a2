import { deflateRawSync, inflateRawSync } from "node:zlib";

/** A JSON value as an attribute keeps it: its text, or the text's raw deflate (RFC 1951). */
export type StoredJson = string | Uint8Array;

/** The value of an attribute as it is written; undefined ones are left out. */
type AttributeValue = string | number | boolean | Uint8Array | string[] | object | undefined;

/** DynamoDB's limit for one item, names and values, in bytes. */
export const MAX_ITEM_BYTES = 409_600;

/** What one write unit holds, in bytes. */
const WRITE_UNIT_BYTES = 1_024;

/**
 * JSON values as attributes keep them: the JSON text, which brings back key order and every digit, or its deflate where
 * that saves write units. Null values are left out.
 * @param others the item's other attributes, which share its write units
 */
export function storedJson<Name extends string>(
  values: Record<Name, unknown>,
  others: object,
): Partial<Record<Name, StoredJson>> {
  const texts: Partial<Record<Name, StoredJson>> = {};
  for (const name in values) if (values[name] !== null) texts[name] = JSON.stringify(values[name]);
  if (bytesOf(others) + bytesOf(texts) <= WRITE_UNIT_BYTES) return texts;
  for (const name in texts) texts[name] = smaller(String(texts[name]));
  return texts;
}

/** The JSON text of an attribute that `storedJson` made; `null` for an attribute that is not there. */
export function restoredText(stored: StoredJson | undefined): string {
  if (stored === undefined) return "null";
  return typeof stored === "string" ? stored : inflateRawSync(stored).toString();
}

/** The size of attributes, whose names are ASCII, as DynamoDB counts it, in bytes; numbers by their longest form. */
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
