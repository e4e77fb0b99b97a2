import { createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import { type LinkKey, type LinkKeys, latestLinkKeys, linkKeys } from "./keys.ts";

/** A signed link that allows its holder to collect one server's metadata, and nothing else. */
export interface CollectLink {
  allows: "collect";
  project: string;
  server: string;
  /** The time when the link was made, in ms since 1970. */
  issued: number;
  /** Seconds since 1970. */
  expires: number;
}

/** A signed link that allows its holder to signal the result of one run, and nothing else. */
export interface SignalLink {
  allows: "signal";
  project: string;
  deployment: string;
  delivery: number;
  attempt: number;
  /** The server whose links it ends with; absent in links that were made before they carried it. */
  server?: string;
  /** The time when the collect link was made that it came with, in ms since 1970; by a token, the run's begin. */
  issued?: number;
  /** Seconds since 1970. */
  expires: number;
}

/** Either kind of signed link. */
export type SignedLink = CollectLink | SignalLink;

/** A cache of signed links: every poll of a server needs the same ones. */
const signed = new LRUCache<string, string, { key: LinkKey; json: string }>({
  max: 10_000,
  memoMethod: (_name, _stale, { context: { key, json } }) => {
    const text = Buffer.from(json).toString("base64url");
    return `${text}.${mac(key, text).toString("base64url")}`;
  },
});

/** The signed text of a link: its JSON and an HMAC-SHA256 of it, both in Base64url. Equal links give equal texts. */
export function sign(link: SignedLink, key: LinkKey): string {
  const json = JSON.stringify(link);
  return signed.memo(`${key.name} ${json}`, { context: { key, json } });
}

/**
 * The content of a link that was signed here, by one of all current keys, whatever it allows and whether it has expired.
 * @throws ServiceError `unauthorized` for every other text, `unavailable` if the keys cannot be read
 */
export async function genuineLink(signed: string): Promise<SignedLink> {
  const link = contentOf(signed);
  const [text = "", signature = ""] = signed.split(".");
  const bytes = Buffer.from(signature, "base64url");
  // Base64url decoding ignores some changed characters; such a text must not count as the same link.
  const isWhole = link && bytes.length > 0 && `${text}.${bytes.toString("base64url")}` === signed;
  // Another container may have signed with a newer key than those read here.
  const isGenuine =
    isWhole && (isSignedBy(await linkKeys(), text, bytes) || isSignedBy(await latestLinkKeys(), text, bytes));
  if (isGenuine) return link;
  throw notValid();
}

/**
 * Checks what a genuine link allows, and that it has not expired. The expiry of a link for a signal is not checked here,
 * but against its run (`resultKind`): the run's time limit may have changed since.
 * @param allows the permission that is needed
 * @throws ServiceError `unauthorized`
 */
export function checkAllows(link: SignedLink, allows: SignedLink["allows"]): void {
  const isCurrent = link.allows === "signal" || link.expires * 1_000 > Date.now();
  if (link.allows !== allows || !isCurrent) throw notValid();
}

/** The unverified content of a signed link; undefined if it is no link. */
function contentOf(signed: string): SignedLink | undefined {
  const [text = ""] = signed.split(".");
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()) ?? undefined;
  } catch {
    return undefined;
  }
}

function notValid(): ServiceError {
  return new ServiceError("unauthorized", "Authorization failed: the link is not valid, or no longer.");
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
