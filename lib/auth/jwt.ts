import { type JWTPayload, jwtVerify } from "jose";
import { ServiceError } from "../errors.ts";
import type { JwtSettings } from "../settings.ts";
import type { Identity } from "./identity.ts";
import { keySet } from "./key-set.ts";
import { invalidToken } from "./refusals.ts";

/** Asymmetric algorithms alone: with a symmetric one, whoever knows the public key could sign. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** Header fields by which a token brings or points to a key of its own. */
const OWN_KEYS = ["jwk", "jku", "x5u"];

/**
 * Makes the check of one issuer's tokens: signature by one of its keys, algorithm, `iss`, audience, `exp`, `nbf`, and a
 * project.
 * @returns a function that rejects with ServiceError `unauthorized` for a token that does not hold, and with
 *   `unavailable` when the issuer's keys cannot be had
 */
export function jwtVerifier(settings: JwtSettings): (token: string) => Promise<Identity> {
  const keys = keySet(settings.keys);
  const options = { algorithms: ALGORITHMS, issuer: settings.issuer, requiredClaims: ["exp"] };
  return async (token) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, options);
      if (OWN_KEYS.some((field) => field in protectedHeader)) throw invalidToken();
      return identityOf(payload, settings);
    } catch (error) {
      // A token that cannot be read, whatever the library makes of it, is not valid.
      throw error instanceof ServiceError ? error : invalidToken(error);
    }
  };
}

function identityOf(payload: JWTPayload, settings: JwtSettings): Identity {
  const projectId = payload[settings.projectClaim];
  const named = audiencesOf(payload);
  const isMeant = settings.audiences.some((audience) => named.includes(audience));
  if (!isMeant || typeof projectId !== "string" || projectId === "" || payload.exp === undefined)
    throw invalidToken();
  return { projectId, roles: wordsOf(payload[settings.rolesClaim]), expiresAt: payload.exp * 1_000 };
}

/**
 * Whom a token is meant for. Cognito says by `token_use` what a token is for: its access tokens name their client in
 * place of an audience; its ID tokens, whose audience is that client, are meant for no API (RFC 8725, 3.12).
 */
function audiencesOf({ aud, client_id, token_use }: JWTPayload): unknown[] {
  if (token_use !== undefined && token_use !== "access") return [];
  return aud === undefined && token_use === "access" ? [client_id] : [aud].flat();
}

/** A claim that is a list of texts, or one text of words. */
function wordsOf(claim: unknown): string[] {
  if (typeof claim === "string") return claim.split(/[\s,]+/);
  return Array.isArray(claim) ? claim.filter((item) => typeof item === "string") : [];
}
