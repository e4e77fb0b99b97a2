import { LINK_PARAMETER } from "../link/addresses.ts";
import {
  type CollectLink,
  checkAllows,
  genuineLink,
  type SignalLink,
  type SignedLink,
} from "../link/signed-link.ts";
import type { Access, Middleware } from "./event.ts";

/** Access for holders of a signed link for collecting, without other credentials. */
export const byCollectLink: Access<CollectLink> = [authorizeLink("collect")];

/** Access for holders of a signed link for a result, without other credentials. */
export const bySignalLink: Access<SignalLink> = [authorizeLink("signal")];

/**
 * Middleware: checks that the request has a signed link with this permission. Of several links the last one counts.
 * @throws ServiceError `unauthorized` for every other link and without one; `unavailable` if it cannot be checked
 */
function authorizeLink(allows: SignedLink["allows"]): Middleware {
  return {
    before: async ({ event }) => {
      const text = new URLSearchParams(event.rawQueryString).getAll(LINK_PARAMETER).at(-1) ?? "";
      const link = await genuineLink(text);
      event.claims = { ...link };
      checkAllows(link, allows);
      event.caller = { projectId: link.project, mayWrite: false, link };
    },
  };
}
