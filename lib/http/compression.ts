import { gzipSync } from "node:zlib";
import { COMPRESSION_LEVEL, MAX_RESPONSE_BYTES } from "../limits/response-size.ts";

/** An `Accept-Encoding` that accepts gzip: not with a weight of 0. */
const GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))/i;

/** The bytes above which a body is compressed: below, it is not worth the agents' time. */
const COMPRESSED_FROM = 65_536;

/** Whether an `Accept-Encoding` header (RFC 9110, 12.5.3) accepts gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return GZIP.test(acceptEncoding ?? "");
}

/** A body in gzip and Base64; undefined if it is small, or if only the plain body fits a response. */
export function compressed(body: string): string | undefined {
  if (body.length <= COMPRESSED_FROM && Buffer.byteLength(body) <= COMPRESSED_FROM) return undefined;
  const base64 = gzipSync(body, { level: COMPRESSION_LEVEL }).toString("base64");
  return base64.length <= MAX_RESPONSE_BYTES || body.length > MAX_RESPONSE_BYTES ? base64 : undefined;
}
