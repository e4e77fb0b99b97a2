import { createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import { type LinkKey, type LinkKeys, latestLinkKeys, linkKeys } from "./keys.ts";

/** What a signed link lets its holder do, and nothing else: collect what a server is to run. */
export interface CollectLink {
  allows: "collect";
  project: string;
  server: string;
  /** When the link was made, in ms since 1970. */
  issued: number;
  /** Seconds since 1970. */
  expires: number;
}

/** What a signed link lets its holder do, and nothing else: signal the result of one attempt at one delivery. */
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

/**
 * Verifies a signed link by all the keys that are valid now. Whether a link for a signal comes too late is not decided
 * here, but by the run that it is for.
 * @param allows what the link is presented for
 * @throws ServiceError `unauthorized` for anything that was not signed here, is for something else, or has expired;
 *   `unavailable` where the keys cannot be read
 */
export async function verify<Allowed extends SignedLink["allows"]>(
  signed: string,
  allows: Allowed,
): Promise<Extract<SignedLink, { allows: Allowed }>> {
  const [text = "", signature = ""] = signed.split(".");
  const bytes = Buffer.from(signature, "base64url");
  const link = linkIn(text);
  // Decoding forgives what encoding never writes; a link with any character changed is another link.
  const isWhole = link && bytes.length > 0 && `${text}.${bytes.toString("base64url")}` === signed;
  if (!isWhole || link.allows !== allows || hasExpired(link) || !(await isGenuine(text, bytes))) {
    throw new ServiceError("unauthorized", "Authorization failed: the link is not valid, or no longer.");
  }
  return link as Extract<SignedLink, { allows: Allowed }>;
}

/** What a link says of itself, without any check: nothing but the log may rely on it. Empty for what is no link. */
export function claimsOf(signed: string): Record<string, unknown> {
  const [text = ""] = signed.split(".");
  return { ...linkIn(text) };
}

/** What the text of a link says, without any check; undefined for what is no link. */
function linkIn(text: string): SignedLink | undefined {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()) ?? undefined;
  } catch {
    return undefined;
  }
}

/** A link that no known key verifies may be signed with one that was put first elsewhere already. */
async function isGenuine(text: string, signature: Buffer): Promise<boolean> {
  return isSignedBy(await linkKeys(), text, signature) || isSignedBy(await latestLinkKeys(), text, signature);
}

function isSignedBy(keys: LinkKeys, text: string, signature: Buffer): boolean {
  return keys
    .map((key) => mac(key, text))
    .map((expected) => signature.length === expected.length && timingSafeEqual(signature, expected))
    .includes(true);
}

/** A link for a signal ends with its run, whose time limit may have been changed since; others end by themselves. */
function hasExpired({ allows, expires }: SignedLink): boolean {
  return allows !== "signal" && expires * 1_000 <= Date.now();
}

function mac({ key }: LinkKey, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
