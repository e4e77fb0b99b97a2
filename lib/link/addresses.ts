import { linkLifetime } from "../settings.ts";
import { linkKeys } from "./keys.ts";
import { type CollectLink, sign } from "./signed-link.ts";

/** The query parameter that carries a signed link. */
export const LINK_PARAMETER = "capability";

const LIFETIME = linkLifetime();

/** A run in progress. */
interface AwaitedRun {
  project_id: string;
  id: string;
  server_id: string;
  delivery: number;
  attempt: number;
  /** Seconds since 1970. */
  signalExpiresAt: number;
}

/** The links of the service at one address, signed with the current key. */
export interface AgentLinks {
  /** The link by which a server's agent collects its metadata. */
  collectUrl(link: Omit<CollectLink, "allows">): string;
  /**
   * The link for the result of one run: the same at every call. Revoking the server's links ends it too.
   * @param issued the time that is compared with the revocation, in ms since 1970
   */
  signalUrl(run: AwaitedRun, issued: number): string;
  /** A text that changes with the address and the key of the links. */
  version: string;
}

/** The maker of links. @throws ServiceError `unavailable` if the key cannot be read */
export async function agentLinks(baseUrl: string): Promise<AgentLinks> {
  const [key] = await linkKeys();
  const collect = `${baseUrl}/agent/metadata?${LINK_PARAMETER}=`;
  const signal = `${baseUrl}/agent/signal?${LINK_PARAMETER}=`;
  return {
    collectUrl: ({ project, server, issued, expires }) =>
      collect + sign({ allows: "collect", project, server, issued, expires }, key),
    signalUrl: ({ project_id: project, id: deployment, ...run }, issued) => {
      const { server_id: server, delivery, attempt, signalExpiresAt: expires } = run;
      const link = {
        allows: "signal",
        project,
        server,
        deployment,
        delivery,
        attempt,
        issued,
        expires,
      } as const;
      return signal + sign(link, key);
    },
    version: `${baseUrl} ${key.name}`,
  };
}

/**
 * The link that a server's agent is to use next: the one that it used, or after half of that one's lifetime a
 * successor. The successor is issued at exactly that moment, so it is the same at every poll. An agent that polls
 * regularly never runs out of links. Revoking all links issued until now also revokes such successors.
 */
export function renewedLink(link: CollectLink, now: Date): CollectLink {
  const half = Math.floor((link.issued + link.expires * 1_000) / 2);
  return now.getTime() < half ? link : { ...link, issued: half, expires: linkExpiry(half) };
}

/** The expiry of a collect link, in seconds since 1970. @param issued the time it was made, in ms since 1970 */
export function linkExpiry(issued: number): number {
  return Math.floor(issued / 1_000) + LIFETIME;
}
