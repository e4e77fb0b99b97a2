import { ServiceError } from "../errors.ts";

/** What is said of a token that does not hold, whatever is wrong with it. */
export function invalidToken(cause?: unknown): ServiceError {
  return new ServiceError("unauthorized", "Authorization failed: the token is not valid.", { cause });
}

/** What is said when whoever could check a token does not answer. */
export function tokenNotCheckable(cause?: unknown): ServiceError {
  return new ServiceError("unavailable", "The token cannot be checked at the moment.", {
    cause,
    dependency: "tokens",
  });
}
