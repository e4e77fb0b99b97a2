import { LINK_PARAMETER } from "../link/addresses.ts";
import { type CollectLink, claimsOf, type SignalLink, type SignedLink, verify } from "../link/signed-link.ts";
import type { Access, Middleware } from "./event.ts";

/** Who may call: the holder of a signed link for collecting, without any other credentials. */
export const byCollectLink: Access<CollectLink> = [authorizeLink("collect")];

/** Who may call: the holder of a signed link for a result, without any other credentials. */
export const bySignalLink: Access<SignalLink> = [authorizeLink("signal")];

/**
 * Middleware: lets through who comes by a signed link that allows this; of several the last counts.
 * @throws ServiceError `unauthorized` for every other link, and without one; `unavailable` where it cannot be checked
 */
function authorizeLink(allows: SignedLink["allows"]): Middleware {
  return {
    before: async ({ event }) => {
      const text = new URLSearchParams(event.rawQueryString).getAll(LINK_PARAMETER).at(-1) ?? "";
      const link = await verify(text, allows).catch((error: unknown) => {
        event.claims = { ...claimsOf(text) };
        throw error;
      });
      event.claims = { ...link };
      event.caller = { projectId: link.project, mayWrite: false, link };
    },
  };
}
