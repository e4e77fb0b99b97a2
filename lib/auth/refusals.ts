import { ServiceError } from "../errors.ts";

/** The error for an invalid token, whatever is wrong with it. */
export function invalidToken(cause?: unknown): ServiceError {
  return new ServiceError("unauthorized", "Authorization failed: the token is not valid.", { cause });
}

/** The error for a token whose issuer does not answer. */
export function tokenNotCheckable(cause?: unknown): ServiceError {
  return new ServiceError("unavailable", "The token cannot be checked at the moment.", {
    cause,
    dependency: "tokens",
  });
}
