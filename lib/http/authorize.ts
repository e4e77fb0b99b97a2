import type { MiddlewareObj } from "@middy/core";
import type { Authenticate } from "../auth/authenticate.ts";
import { ServiceError } from "../errors.ts";
import type { Answer, EndpointEvent } from "./endpoint.ts";

/** The longest token that is looked at, in bytes. */
const MAX_TOKEN_BYTES = 8_192;

/** Names of the roles by what they allow: a reader may GET, a member may do everything. */
export interface Roles {
  reader: string[];
  member: string[];
}

const unauthorized = (message: string): ServiceError => new ServiceError("unauthorized", message);

const BEARER = /^bearer +/i;

/** API Gateway joins the values of a header that comes twice with commas, which no token holds. */
const values = (header: string | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((value) => value.trim())
    .filter((value) => value !== "");

/** The one token a request presents, in `X-Auth-Token` or `Authorization: Bearer`. */
const presentedToken = (headers: EndpointEvent["headers"]): string => {
  const bearers = values(headers.authorization).filter((value) => BEARER.test(value));
  const tokens = new Set([
    ...values(headers["x-auth-token"]),
    ...bearers.map((value) => value.replace(BEARER, "")),
  ]);
  const [token, second] = tokens;
  if (token === undefined) {
    throw unauthorized(
      "Authorization failed: a token is required, in X-Auth-Token or Authorization: Bearer.",
    );
  }
  if (second !== undefined)
    throw unauthorized("Authorization failed: the request holds two different tokens.");
  if (token.length > MAX_TOKEN_BYTES) throw unauthorized("Authorization failed: the token is too long.");
  return token;
};

const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

/**
 * Middleware: finds out whose token a request carries and holds it against the request: the token's project
 * must be the path's, and its roles must allow the method.
 * @throws ServiceError `unauthorized` for every other token, `unavailable` when the token cannot be checked now
 */
export const authorize = (
  authenticate: Authenticate,
  roles: Roles,
): MiddlewareObj<EndpointEvent, Answer> => ({
  before: async ({ event }) => {
    const caller = await authenticate(presentedToken(event.headers));
    const allowed = isRead(event.requestContext.http.method)
      ? [...roles.reader, ...roles.member]
      : roles.member;
    const mayAct = caller.roles.some((role) => allowed.includes(role));
    if (!mayAct || caller.projectId !== event.pathParameters?.project_id) {
      throw unauthorized("Authorization failed: the token does not allow this request.");
    }
    event.caller = caller;
  },
});
