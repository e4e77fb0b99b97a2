import { hash } from "node:crypto";
import { decodeJwt } from "jose";
import { LRUCache } from "lru-cache";
import type { TokenSettings } from "../settings.ts";
import type { Identity } from "./identity.ts";
import { jwtVerifier } from "./jwt.ts";
import { keystoneVerifier } from "./keystone.ts";
import { invalidToken } from "./refusals.ts";

/**
 * The check of a token: its identity.
 * @throws ServiceError `unauthorized` for an invalid token, `unavailable` if it cannot be checked now
 */
export type Authenticate = (token: string) => Promise<Identity>;

/** The longest time that a valid token is cached, in ms. */
const MAX_AGE = 5 * 60_000;

/** The most valid tokens in the cache. */
const MAX_CACHED = 1_000;

/** A text of visible ASCII characters, which a header to Keystone can hold. */
const TOKEN = /^[!-~]+$/;

/**
 * The check of tokens for the given settings. Valid tokens are cached for 5 minutes or until they expire, at most
 * 1,000, by their SHA-256; the token itself is never stored. Concurrent requests with the same token share one check.
 * Refusals are not cached here; `keystone.ts` caches Keystone's.
 */
export function authenticator(settings: Pick<TokenSettings, "jwt" | "keystone">): Authenticate {
  const verify = verifier(settings);
  const identities = new LRUCache<string, Identity, string>({
    max: MAX_CACHED,
    ttl: MAX_AGE,
    // The wall clock, by which tokens expire: other clocks may stop while a container is frozen.
    perf: { now: () => Date.now() },
    ttlResolution: 0,
    fetchMethod: async (_key, _stale, { options, context: token }) => {
      const identity = await verify(token);
      // At least 1 ms: the cache takes 0 for "never".
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

/** The check by the kind of a token: JSON Web Tokens of the configured issuer, and Keystone for all others. */
function verifier({ jwt, keystone }: Pick<TokenSettings, "jwt" | "keystone">): Authenticate {
  const verifyJwt = jwt && jwtVerifier(jwt);
  const verifyKeystone = keystone && keystoneVerifier(keystone);
  return async (token) => {
    if (!TOKEN.test(token)) throw invalidToken();
    const verify = verifyJwt && claimedIssuer(token) === jwt.issuer ? verifyJwt : verifyKeystone;
    if (!verify) throw invalidToken();
    const identity = await verify(token);
    // Refuses NaN too: an expiry that could not be parsed.
    if (!(identity.expiresAt > Date.now())) throw invalidToken();
    return identity;
  };
}

/** The issuer that a token names, unverified; undefined if it is no JSON Web Token. */
function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
