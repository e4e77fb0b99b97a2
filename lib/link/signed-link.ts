import { createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import { type LinkKey, type LinkKeys, latestLinkKeys, linkKeys } from "./keys.ts";

/** A signed link that lets its holder collect what a server is to run, and nothing else. */
export interface CollectLink {
  allows: "collect";
  project: string;
  server: string;
  /** When the link was made, in ms since 1970. */
  issued: number;
  /** Seconds since 1970. */
  expires: number;
}

/** A signed link that lets its holder signal the result of one attempt at one delivery, and nothing else. */
export interface SignalLink {
  allows: "signal";
  project: string;
  deployment: string;
  delivery: number;
  attempt: number;
  /** Seconds since 1970. */
  expires: number;
}

/** Either kind of signed link. */
export type SignedLink = CollectLink | SignalLink;

/** Links that were signed lately: a server that polls is told the same ones again and again. */
const signed = new LRUCache<string, string, { key: LinkKey; json: string }>({
  max: 10_000,
  memoMethod: (_name, _stale, { context: { key, json } }) => {
    const text = Buffer.from(json).toString("base64url");
    return `${text}.${mac(key, text).toString("base64url")}`;
  },
});

/** Signs a link: its JSON and an HMAC-SHA256 of it, both in Base64url. Equal links give equal texts. */
export function sign(link: SignedLink, key: LinkKey): string {
  const json = JSON.stringify(link);
  return signed.memo(`${key.name} ${json}`, { context: { key, json } });
}

/** A link as it describes itself, without any check: nothing but the log may rely on it. Undefined for what is no link. */
export function claimsOf(signed: string): SignedLink | undefined {
  const [text = ""] = signed.split(".");
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()) ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * Verifies a signed link by all the keys that are valid now. Whether a link for a signal comes too late is not decided
 * here, but by the run that it is for: its time limit may have been changed since.
 * @param allows the permission for which the link is presented
 * @throws ServiceError `unauthorized` for anything that was not signed here, is for something else, or has expired;
 *   `unavailable` where the keys cannot be read
 */
export async function verify(signed: string, allows: SignedLink["allows"]): Promise<SignedLink> {
  const claims = claimsOf(signed);
  const [text = "", signature = ""] = signed.split(".");
  const bytes = Buffer.from(signature, "base64url");
  // Decoding forgives what encoding never writes; a link with any character changed is another link.
  const isWhole = claims && bytes.length > 0 && `${text}.${bytes.toString("base64url")}` === signed;
  const isCurrent =
    isWhole && claims.allows === allows && (allows === "signal" || claims.expires * 1_000 > Date.now());
  // A link that no known key verifies may be signed with one that was put first elsewhere already.
  const isGenuine =
    isCurrent &&
    (isSignedBy(await linkKeys(), text, bytes) || isSignedBy(await latestLinkKeys(), text, bytes));
  if (isGenuine) return claims;
  throw new ServiceError("unauthorized", "Authorization failed: the link is not valid, or no longer.");
}

function isSignedBy(keys: LinkKeys, text: string, signature: Buffer): boolean {
  return keys
    .map((key) => mac(key, text))
    .map((expected) => signature.length === expected.length && timingSafeEqual(signature, expected))
    .includes(true);
}

function mac({ key }: LinkKey, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
