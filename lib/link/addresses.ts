import { linkLifetime } from "../settings.ts";
import { linkKeys } from "./keys.ts";
import { type CollectLink, sign } from "./signed-link.ts";

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

/** The links that the service gives out at one address, signed with the key that signs now. */
export interface AgentLinks {
  /** The link by which a server's agent collects what it is to run. */
  collectUrl(link: Omit<CollectLink, "allows">): string;
  /** The link by which the result of one delivery is signalled: the same at every call. */
  signalUrl(run: AwaitedRun): string;
  /** A text that changes with the links in a document, and with the document's own link. */
  version(link: CollectLink): string;
}

/** Gets ready to make links. @throws ServiceError `unavailable` where the key cannot be read */
export async function agentLinks(baseUrl: string): Promise<AgentLinks> {
  const [key] = await linkKeys();
  const collect = `${baseUrl}/agent/metadata?${LINK_PARAMETER}=`;
  const signal = `${baseUrl}/agent/signal?${LINK_PARAMETER}=`;
  return {
    collectUrl: ({ project, server, issued, expires }) =>
      collect + sign({ allows: "collect", project, server, issued, expires }, key),
    signalUrl: ({ project_id: project, id: deployment, delivery, attempt, signalExpiresAt: expires }) =>
      signal + sign({ allows: "signal", project, deployment, delivery, attempt, expires }, key),
    version: ({ issued, expires }) => `${baseUrl} ${key.name} ${issued} ${expires}`,
  };
}

/**
 * The link that a server's agent is to use from now on: the one that it came by, and past half of that one's life its
 * successor, as of exactly that moment, so that it is the same at every poll. An agent that stays in touch never runs
 * out of links, and whoever revokes a link revokes its successors, which were issued before.
 */
export function renewedLink(link: CollectLink, now: Date): CollectLink {
  const half = Math.floor((link.issued + link.expires * 1_000) / 2);
  return now.getTime() < half ? link : { ...link, issued: half, expires: linkExpiry(half) };
}
