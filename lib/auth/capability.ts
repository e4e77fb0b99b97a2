import { createHmac, timingSafeEqual } from "node:crypto";
import { linkKeys } from "../config.ts";
import { ServiceError } from "../errors.ts";

/** What a link lets its holder do, and nothing else. Times are in seconds since 1970, `issued` in milliseconds. */
export type Capability =
  | { allows: "collect"; project: string; server: string; issued: number; expires: number }
  | { allows: "signal"; project: string; deployment: string; delivery: number; expires: number };

const mac = (key: string, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** Seals a capability for a link: its JSON and an HMAC-SHA256 of it. Equal capabilities give equal texts. */
export const seal = (capability: Capability): string => {
  const [key = ""] = linkKeys();
  const text = Buffer.from(JSON.stringify(capability)).toString("base64url");
  return `${text}.${mac(key, text).toString("base64url")}`;
};

/** A name for the key that seals now, which gives nothing of it away: links change when it does. */
export const sealingKeyName = (): string =>
  mac(linkKeys()[0] ?? "", "name")
    .toString("base64url")
    .slice(0, 8);

const isSealed = (text: string, seal: Buffer): boolean =>
  linkKeys()
    .map((key) => mac(key, text))
    .map((expected) => seal.length === expected.length && timingSafeEqual(seal, expected))
    .includes(true);

/** A link for signals ends with the run, whose time limit may have been changed since; others end by themselves. */
const hasEnded = ({ allows, expires }: Capability): boolean =>
  allows !== "signal" && expires * 1_000 <= Date.now();

/**
 * Opens what a link carries, sealed by any of the keys that are valid now. Whether a signal comes too late is held
 * against its run, by whoever reads that.
 * @param allows what it is presented for
 * @throws ServiceError `unauthorized` for anything that was not sealed here, for something else, or has ended
 */
export const unseal = <Allowed extends Capability["allows"]>(
  sealed: string,
  allows: Allowed,
): Extract<Capability, { allows: Allowed }> => {
  const [text = "", seal = ""] = sealed.split(".");
  const bytes = Buffer.from(seal, "base64url");
  // Decoding forgives what encoding never writes; a link with any character changed is another link.
  const genuine = isSealed(text, bytes) && `${text}.${bytes.toString("base64url")}` === sealed;
  const capability = genuine
    ? (JSON.parse(Buffer.from(text, "base64url").toString()) as Capability)
    : undefined;
  if (capability?.allows !== allows || hasEnded(capability)) {
    throw new ServiceError("unauthorized", "Authorization failed: the link is not valid, or no longer.");
  }
  return capability as Extract<Capability, { allows: Allowed }>;
};
