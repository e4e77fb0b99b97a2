import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { conditionalReply, type Preconditions } from "./preconditions.ts";
import type { Reply } from "./reply.ts";

/** How long anybody may keep an asset without asking whether it is still the same, in seconds. */
const MAX_AGE = 300;

/** gzip among the encodings that somebody takes, unless with a weight of 0. */
const GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))/i;

/** A text that is the same for everybody until the next deployment. */
export interface Asset {
  /** What it is, and what a browser may do with it. */
  headers: Record<string, string>;
  text: string;
  etag: string;
  /** Its compressed form, once somebody has asked for it. */
  gzipped?: Uint8Array;
}

/** @param headers `content-type`, and what else is to be said of it */
export function asset(headers: Record<string, string>, text: string): Asset {
  return { headers, text, etag: hash("sha256", text, "base64url").slice(0, 22) };
}

/** Answers with an asset: compressed to who takes that, and 304 to who has it. */
export function assetReply(
  one: Asset,
  request: { acceptEncoding: string | undefined; method: string; preconditions: Preconditions },
): Promise<Reply> {
  const acceptsGzip = GZIP.test(request.acceptEncoding ?? "");
  const body = () => {
    if (!acceptsGzip) return Buffer.from(one.text);
    one.gzipped ??= gzipSync(one.text, { level: 9 });
    return one.gzipped;
  };
  const headers = {
    "cache-control": `public, max-age=${MAX_AGE}`,
    vary: "Accept-Encoding",
    ...one.headers,
    ...(acceptsGzip && { "content-encoding": "gzip" }),
  };
  // Two representations have two tags (RFC 9110, 8.8.3).
  return conditionalReply(request, { etag: `"${one.etag}${acceptsGzip ? "-gzip" : ""}"` }, body, headers);
}
