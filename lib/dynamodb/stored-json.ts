import { deflateRawSync, inflateRawSync } from "node:zlib";

/** The attributes of an item, or of a map in one, as they are written. */
export interface Attributes {
  [name: string]: string | number | boolean | Uint8Array | string[] | Attributes;
}

/** DynamoDB's limit for one item, names and values, in bytes. */
export const MAX_ITEM_BYTES = 409_600;

/** What one write unit holds, in bytes. */
const WRITE_UNIT_BYTES = 1_024;

/**
 * JSON values as attributes: the JSON text, which brings back key order and every digit, or the text's raw deflate
 * (RFC 1951), a binary, where that saves write units. Null values are left out.
 * @param plain the item's other attributes, which share its write units
 */
export function storedJson(values: Record<string, unknown>, plain: Attributes): Attributes {
  const texts = Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, JSON.stringify(value)] as const);
  const whole: Attributes = { ...plain, ...Object.fromEntries(texts) };
  if (bytesOf(whole) <= WRITE_UNIT_BYTES) return Object.fromEntries(texts);
  return Object.fromEntries(texts.map(([name, text]) => [name, smaller(text)]));
}

/** The JSON text of an attribute that `storedJson` made; `null` for an attribute that is not there. */
export function restoredText(stored: unknown): string {
  if (stored === undefined) return "null";
  return typeof stored === "string" ? stored : inflateRawSync(stored as Uint8Array).toString();
}

/** The size of attributes, whose names are ASCII, as DynamoDB counts it, in bytes; numbers by their longest form. */
export function bytesOf(attributes: Attributes): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + valueBytes(value), 0);
}

/** Attributes without those that are null. */
export function withoutNulls(attributes: Record<string, unknown>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null)) as Attributes;
}

function valueBytes(value: Attributes[string]): number {
  if (typeof value === "number") return 21;
  if (typeof value === "boolean") return 1;
  if (typeof value === "string" || value instanceof Uint8Array) return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.reduce((sum, text) => sum + 1 + Buffer.byteLength(text), 3);
  return 3 + Object.keys(value).length + bytesOf(value);
}

function smaller(text: string): string | Uint8Array {
  const deflated = deflateRawSync(text);
  return deflated.byteLength < Buffer.byteLength(text) ? deflated : text;
}
