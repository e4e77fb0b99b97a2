import { type JWTPayload, jwtVerify } from "jose";
import { ServiceError } from "../errors.ts";
import type { JwtSettings } from "../settings.ts";
import { CLOCK_LEEWAY, type Identity } from "./identity.ts";
import { keySet } from "./key-set.ts";
import { invalidToken } from "./refusals.ts";

/** The accepted algorithms, all asymmetric: with a symmetric one, everybody who knows the public key could sign. */
const ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");

/** The header fields in which a token brings its own key or its address. */
const EMBEDDED_KEYS = ["jwk", "jku", "x5u"];

/**
 * The check of one issuer's tokens: signature by one of its keys, algorithm, `iss`, audience, `exp` and `nbf` with
 * `CLOCK_LEEWAY`, and a project. `iat` is not checked.
 * @returns a function that throws ServiceError `unauthorized` for an invalid token, and `unavailable` if the issuer's
 *   keys cannot be read
 */
export function jwtVerifier(settings: JwtSettings): (token: string) => Promise<Identity> {
  const keys = keySet(settings.keys);
  const options = {
    algorithms: ALGORITHMS,
    issuer: settings.issuer,
    requiredClaims: ["exp"],
    clockTolerance: CLOCK_LEEWAY,
  };
  return async (token) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, options);
      if (EMBEDDED_KEYS.some((field) => field in protectedHeader)) throw invalidToken();
      return identityOf(payload, settings);
    } catch (error) {
      // Every error of the library means that the token is not valid.
      throw error instanceof ServiceError ? error : invalidToken(error);
    }
  };
}

function identityOf(payload: JWTPayload, settings: JwtSettings): Identity {
  const projectId = payload[settings.projectClaim];
  const audiences = audiencesOf(payload);
  const isForService = settings.audiences.some((audience) => audiences.includes(audience));
  if (!isForService || typeof projectId !== "string" || projectId === "" || payload.exp === undefined)
    throw invalidToken();
  return {
    projectId,
    roles: wordsOf(payload[settings.rolesClaim]),
    expiresAt: (payload.exp + CLOCK_LEEWAY) * 1_000,
  };
}

/**
 * The audiences of a token. Tokens of Cognito have `token_use`: access tokens name their client instead of an audience;
 * ID tokens, whose audience is that client, are not for APIs (RFC 8725, 3.12) and have none here.
 */
function audiencesOf({ aud, client_id, token_use }: JWTPayload): unknown[] {
  if (token_use !== undefined && token_use !== "access") return [];
  return aud === undefined && token_use === "access" ? [client_id] : [aud].flat();
}

/** The words of a claim, which is a list of texts or one text. */
function wordsOf(claim: unknown): string[] {
  if (typeof claim === "string") return claim.split(/[\s,]+/);
  return Array.isArray(claim) ? claim.filter((item) => typeof item === "string") : [];
}
