import { hash } from "node:crypto";
import { decodeJwt } from "jose";
import { LRUCache } from "lru-cache";
import type { TokenSettings } from "../settings.ts";
import type { Identity } from "./identity.ts";
import { jwtVerifier } from "./jwt.ts";
import { keystoneVerifier } from "./keystone.ts";
import { invalidToken } from "./refusals.ts";

/**
 * Finds out whom a token speaks for.
 * @throws ServiceError `unauthorized` for a token that is not valid, `unavailable` when that cannot be known now
 */
export type Authenticate = (token: string) => Promise<Identity>;

/** How long a positive result is kept, in ms. */
const MAX_AGE = 5 * 60_000;

/** How many positive results are kept. */
const MAX_KEPT = 1_000;

/** Visible ASCII: what a header can carry to Keystone. */
const TOKEN = /^[!-~]+$/;

/**
 * Makes the check of tokens for one configuration. Positive results are kept, under the token's SHA-256 and never the
 * token itself, for 5 minutes or until the token ends; at most 1,000 of them. Requests that come with the same token at
 * the same time share one check. Refusals are not kept.
 */
export function authenticator(settings: Pick<TokenSettings, "jwt" | "keystone">): Authenticate {
  const verify = verifier(settings);
  const identities = new LRUCache<string, Identity, string>({
    max: MAX_KEPT,
    ttl: MAX_AGE,
    // The wall clock: a token's end is a time of day, and a frozen container's other clocks may stand still.
    perf: { now: () => Date.now() },
    ttlResolution: 0,
    fetchMethod: async (_key, _stale, { options, context: token }) => {
      const identity = await verify(token);
      // At least 1 ms: to the cache, 0 means for ever.
      options.ttl = Math.max(1, Math.min(MAX_AGE, identity.expiresAt - Date.now()));
      return identity;
    },
  });
  return async (token) => {
    const identity = await identities.fetch(hash("sha256", token, "base64url"), { context: token });
    if (!identity) throw invalidToken();
    return identity;
  };
}

/** Hands a token to the check for its kind: JWT by its issuer, Keystone for every other. */
function verifier({ jwt, keystone }: Pick<TokenSettings, "jwt" | "keystone">): Authenticate {
  const verifyJwt = jwt && jwtVerifier(jwt);
  const verifyKeystone = keystone && keystoneVerifier(keystone);
  return async (token) => {
    if (!TOKEN.test(token)) throw invalidToken();
    const verify = verifyJwt && claimedIssuer(token) === jwt.issuer ? verifyJwt : verifyKeystone;
    if (!verify) throw invalidToken();
    const identity = await verify(token);
    // Refuses NaN too: an end that could not be parsed.
    if (!(identity.expiresAt > Date.now())) throw invalidToken();
    return identity;
  };
}

/** The issuer that a token claims, without any check; undefined for what is not a JSON Web Token. */
function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
