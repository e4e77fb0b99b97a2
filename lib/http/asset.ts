import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { conditionalReply, type Preconditions } from "./preconditions.ts";
import type { Reply } from "./reply.ts";

/** The time for which an asset may be cached without revalidation, in seconds. */
const MAX_AGE = 300;

/** A text that is the same for all callers until the stage is deployed again. */
export interface Asset {
  /** The headers of its responses: `content-type`, and what a browser may do with it. */
  headers: Record<string, string>;
  text: string;
  etag: string;
  /** The compressed form, made at the first request for it. */
  gzipped?: Uint8Array;
}

/** An asset with its ETag. @param headers the headers of its responses, with `content-type` */
export function asset(headers: Record<string, string>, text: string): Asset {
  return { headers, text, etag: hash("sha256", text, "base64url").slice(0, 22) };
}

/** The reply with an asset: compressed if the caller accepts gzip, 304 if it has the current one. */
export function assetReply(
  resource: Asset,
  request: { acceptsGzip: boolean; method: string; preconditions: Preconditions },
): Promise<Reply> {
  const { acceptsGzip } = request;
  const body = () => {
    if (!acceptsGzip) return Buffer.from(resource.text);
    resource.gzipped ??= gzipSync(resource.text, { level: 9 });
    return resource.gzipped;
  };
  const headers = {
    "cache-control": `public, max-age=${MAX_AGE}`,
    vary: "Accept-Encoding",
    ...resource.headers,
    ...(acceptsGzip && { "content-encoding": "gzip" }),
  };
  // Two representations have two tags (RFC 9110, 8.8.3).
  return conditionalReply(
    request,
    { etag: `"${resource.etag}${acceptsGzip ? "-gzip" : ""}"` },
    body,
    headers,
  );
}
