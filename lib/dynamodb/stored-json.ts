import { deflateRawSync, inflateRawSync } from "node:zlib";
import { parseExactly } from "../wire/exact-json.ts";

/** The attributes of an item, as they are written. */
export type Attributes = Record<string, string | number | boolean | Uint8Array | string[]>;

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

/** The JSON value of an attribute that `storedJson` made; null for an attribute that is not there. */
export function restoredJson(stored: unknown): unknown {
  if (stored === undefined) return null;
  return parseExactly(typeof stored === "string" ? stored : inflateRawSync(stored as Uint8Array).toString());
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
  if (Array.isArray(value)) return value.reduce((sum, text) => sum + 1 + Buffer.byteLength(text), 3);
  return Buffer.byteLength(value);
}

function smaller(text: string): string | Uint8Array {
  const deflated = deflateRawSync(text);
  return deflated.byteLength < Buffer.byteLength(text) ? deflated : text;
}
