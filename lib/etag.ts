import { hash } from "node:crypto";

/** The characters of an ETag's digest. */
const DIGEST_LENGTH = 8;

/**
 * A strong ETag: what `If-Match` compares, a dot, and a digest of what else a view shows, which no revision moves. So two
 * views of one revision have two tags, and a change that was made on either is accepted.
 * @param revision digits and words, without a dot
 * @param shown the values that the view shows beside the revision, in a fixed order
 */
export function etagOf(revision: string, ...shown: (string | null)[]): string {
  const digest = hash("sha256", JSON.stringify(shown), "base64url").slice(0, DIGEST_LENGTH);
  return `"${revision}.${digest}"`;
}

/** The part of an ETag that `If-Match` compares; a tag without a digest is this part alone. */
export function revisionIn(etag: string): string {
  const dot = etag.indexOf(".");
  return dot === -1 || !etag.endsWith('"') ? etag : `${etag.slice(0, dot)}"`;
}
