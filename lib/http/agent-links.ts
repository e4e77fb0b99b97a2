import { type CollectLink, type SignedLink, sign, signingKeyName } from "../auth/signed-link.ts";
import { ServiceError } from "../errors.ts";
import { linkLifetime } from "../settings.ts";

/** The query parameter that carries a signed link. */
export const LINK_PARAMETER = "capability";

const LIFETIME = linkLifetime();

/** A run whose result is waited for. */
interface AwaitedRun {
  project_id: string;
  id: string;
  delivery: number;
  attempt: number;
  /** Seconds since 1970. */
  signalExpiresAt: number;
}

/** Until when a link that is made now is valid, in seconds since 1970. @param issued ms since 1970 */
export function linkExpiry(issued: number): number {
  return Math.floor(issued / 1_000) + LIFETIME;
}

/** The link by which a server's agent collects what it is to run. */
export function collectUrl(
  baseUrl: string,
  { project, server, issued, expires }: Omit<CollectLink, "allows">,
): string {
  return `${baseUrl}/agent/metadata?${LINK_PARAMETER}=${sign({ allows: "collect", project, server, issued, expires })}`;
}

/** Makes the links by which results are signalled, each for one delivery: the same at every call. */
export function signalUrlFor(baseUrl: string): (run: AwaitedRun) => string {
  return ({ project_id: project, id: deployment, delivery, attempt, signalExpiresAt: expires }) => {
    const signed = sign({ allows: "signal", project, deployment, delivery, attempt, expires });
    return `${baseUrl}/agent/signal?${LINK_PARAMETER}=${signed}`;
  };
}

/**
 * The link that a server's agent is to use from now on: the one that it came by, and past half of that one's life its
 * successor, as of exactly that moment, so that it is the same at every poll. An agent that stays in touch never runs
 * out of links, and whoever revokes a link revokes its successors, which were issued before.
 */
export function presentLink(link: CollectLink, now: Date): CollectLink {
  const half = Math.floor((link.issued + link.expires * 1_000) / 2);
  return now.getTime() < half ? link : { ...link, issued: half, expires: linkExpiry(half) };
}

/** Of what the links in a document are made, beside the document's own link: when it changes, so do they. */
export function linksVersion(baseUrl: string, { issued, expires }: CollectLink): string {
  return `${baseUrl} ${signingKeyName()} ${issued} ${expires}`;
}

/** A caller's link, which must allow this. @throws ServiceError `unauthorized` where it does not, or there is none */
export function requireLink<Allowed extends SignedLink["allows"]>(
  link: SignedLink | undefined,
  allows: Allowed,
): Extract<SignedLink, { allows: Allowed }> {
  if (link?.allows !== allows) throw new ServiceError("unauthorized", "Authorization failed.");
  return link as Extract<SignedLink, { allows: Allowed }>;
}
