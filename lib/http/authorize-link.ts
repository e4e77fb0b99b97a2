import { ServiceError } from "../errors.ts";
import { LINK_PARAMETER } from "../link/addresses.ts";
import { claimsOf, type SignedLink, verify } from "../link/signed-link.ts";
import { type Access, type Middleware, queryOf } from "./event.ts";

/** Who may call: the holder of a signed link for collecting, without any other credentials. */
export const byCollectLink: Access = [authorizeLink("collect")];

/** Who may call: the holder of a signed link for a result, without any other credentials. */
export const bySignalLink: Access = [authorizeLink("signal")];

/** A caller's link, which must allow this. @throws ServiceError `unauthorized` where it does not, or there is none */
export function requireLink<Allowed extends SignedLink["allows"]>(
  link: SignedLink | undefined,
  allows: Allowed,
): Extract<SignedLink, { allows: Allowed }> {
  if (link?.allows !== allows) throw new ServiceError("unauthorized", "Authorization failed.");
  return link as Extract<SignedLink, { allows: Allowed }>;
}

/**
 * Middleware: lets through who comes by a signed link that allows this.
 * @throws ServiceError `unauthorized` for every other link, and without one; `unavailable` where it cannot be checked
 */
function authorizeLink(allows: SignedLink["allows"]): Middleware {
  return {
    before: async ({ event }) => {
      const signed = queryOf(event)[LINK_PARAMETER] ?? "";
      event.claims = claimsOf(signed);
      const link = await verify(signed, allows);
      event.caller = { projectId: link.project, mayWrite: false, link };
    },
  };
}
