import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { JwtSettings } from "../config.ts";
import { ServiceError } from "../errors.ts";
import type { Identity } from "./identity.ts";
import { keySet } from "./key-set.ts";

/** Asymmetric algorithms alone: with a symmetric one, whoever knows the public key could sign. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** Header fields by which a token brings or points to a key of its own. */
const OWN_KEYS = ["jwk", "jku", "x5u"];

const rejected = (cause?: unknown): ServiceError =>
  new ServiceError("unauthorized", "Authorization failed: the token is not valid.", { cause });

const listed = (claim: unknown): string[] => {
  if (typeof claim === "string") return claim.split(/[\s,]+/);
  return Array.isArray(claim) ? claim.filter((item) => typeof item === "string") : [];
};

/** The audiences a token names. Cognito's access tokens have none and name their client instead. */
const audiencesOf = ({ aud, client_id }: JWTPayload): string[] =>
  aud === undefined ? listed(client_id) : [aud].flat();

const identityOf = (payload: JWTPayload, settings: JwtSettings): Identity => {
  const projectId = payload[settings.projectClaim];
  const meant = audiencesOf(payload).some((audience) => settings.audiences.includes(audience));
  if (!meant || typeof projectId !== "string" || projectId === "" || payload.exp === undefined)
    throw rejected();
  return { projectId, roles: listed(payload[settings.rolesClaim]), expiresAt: payload.exp * 1_000 };
};

/**
 * Makes the check of one issuer's tokens: signature by one of its keys, algorithm, `iss`, audience, `exp`,
 * `nbf`, and a project.
 * @returns a function that rejects with ServiceError `unauthorized` for a token that does not hold, and with
 *   `unavailable` when the issuer's keys cannot be had
 */
export const jwtVerifier = (settings: JwtSettings): ((token: string) => Promise<Identity>) => {
  const keys = keySet(settings.keys);
  const options = { algorithms: ALGORITHMS, issuer: settings.issuer, requiredClaims: ["exp"] };
  return async (token) => {
    const header = decodeProtectedHeader(token);
    if (OWN_KEYS.some((field) => field in header)) throw rejected();
    try {
      const { payload } = await jwtVerify(token, keys, options);
      return identityOf(payload, settings);
    } catch (error) {
      throw error instanceof errors.JOSEError ? rejected(error) : error;
    }
  };
};
