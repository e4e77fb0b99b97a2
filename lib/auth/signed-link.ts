import { createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import { linkKeys } from "../settings.ts";

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
const signed = new LRUCache<string, string, { key: string; json: string }>({
  max: 10_000,
  memoMethod: (_name, _stale, { context: { key, json } }) => {
    const text = Buffer.from(json).toString("base64url");
    return `${text}.${mac(key, text).toString("base64url")}`;
  },
});

/** Signs a link: its JSON and an HMAC-SHA256 of it, both in Base64url. Equal links give equal texts. */
export function sign(link: SignedLink): string {
  const [key = ""] = linkKeys();
  const json = JSON.stringify(link);
  return signed.memo(`${key} ${json}`, { context: { key, json } });
}

/**
 * Verifies a signed link by all the keys that are valid now. Whether a link for a signal comes too late is not decided
 * here, but by the run that it is for.
 * @param allows what the link is presented for
 * @throws ServiceError `unauthorized` for anything that was not signed here, is for something else, or has expired
 */
export function verify<Allowed extends SignedLink["allows"]>(
  signed: string,
  allows: Allowed,
): Extract<SignedLink, { allows: Allowed }> {
  const [text = "", signature = ""] = signed.split(".");
  const bytes = Buffer.from(signature, "base64url");
  // Decoding forgives what encoding never writes; a link with any character changed is another link.
  const isGenuine = isSigned(text, bytes) && `${text}.${bytes.toString("base64url")}` === signed;
  const link = isGenuine ? (JSON.parse(Buffer.from(text, "base64url").toString()) as SignedLink) : undefined;
  if (link?.allows !== allows || hasExpired(link)) {
    throw new ServiceError("unauthorized", "Authorization failed: the link is not valid, or no longer.");
  }
  return link as Extract<SignedLink, { allows: Allowed }>;
}

/** A name for the key that signs now, which gives nothing of the key away. All links change when it does. */
export function signingKeyName(): string {
  const [key = ""] = linkKeys();
  return mac(key, "name").toString("base64url").slice(0, 8);
}

function isSigned(text: string, signature: Buffer): boolean {
  return linkKeys()
    .map((key) => mac(key, text))
    .map((expected) => signature.length === expected.length && timingSafeEqual(signature, expected))
    .includes(true);
}

/** A link for a signal ends with its run, whose time limit may have been changed since; others end by themselves. */
function hasExpired({ allows, expires }: SignedLink): boolean {
  return allows !== "signal" && expires * 1_000 <= Date.now();
}

function mac(key: string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
