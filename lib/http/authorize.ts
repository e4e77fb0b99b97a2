import type { MiddlewareObj } from "@middy/core";
import { type Authenticate, authenticator } from "../auth/authenticate.ts";
import type { Identity } from "../auth/identity.ts";
import { DELEGATE_ROLES, tokenSettings } from "../config.ts";
import { ServiceError } from "../errors.ts";
import type { Access, Answer, Caller, EndpointEvent } from "./event.ts";

/** The longest token that is looked at, in bytes. */
const MAX_TOKEN_BYTES = 8_192;

/** Names of the roles by what they allow. */
interface Roles {
  /** May GET in its own project. */
  reader: string[];
  /** May do everything in its own project, and what a delegate may in another. */
  member: string[];
  /** May carry out another project's deployments that name its own. */
  delegate: string[];
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

/** Who the holder of a token is on a project's path: a caller there, a delegated tenant, or nobody. */
const callerOf = (
  identity: Identity,
  { projectId, reads, delegable }: { projectId: string | undefined; reads: boolean; delegable: boolean },
  roles: Roles,
): Caller | undefined => {
  const has = (names: string[]): boolean => identity.roles.some((role) => names.includes(role));
  const isMember = has(roles.member);
  if (projectId === undefined) return undefined;
  if (identity.projectId === projectId)
    return isMember || (reads && has(roles.reader)) ? { projectId, mayWrite: isMember } : undefined;
  return delegable && (isMember || has(roles.delegate))
    ? { projectId, delegate: identity.projectId, mayWrite: true }
    : undefined;
};

/**
 * Middleware: finds out whose token a request carries and holds it against the request: the token's project
 * must be the path's, and its roles must allow the method. Where a delegated tenant may act, another project's
 * token is let through as one; the endpoint then shows it nothing but the deployments that name its project.
 * @throws ServiceError `unauthorized` for every other token, `unavailable` when the token cannot be checked now
 */
const authorize = (
  authenticate: Authenticate,
  roles: Roles,
  delegable: boolean,
): MiddlewareObj<EndpointEvent, Answer> => ({
  before: async ({ event }) => {
    const identity = await authenticate(presentedToken(event.headers));
    const { method } = event.requestContext.http;
    const reads = method === "GET" || method === "HEAD";
    const caller = callerOf(
      identity,
      { projectId: event.pathParameters?.project_id, reads, delegable },
      roles,
    );
    if (!caller) throw unauthorized("Authorization failed: the token does not allow this request.");
    event.caller = caller;
  },
});

const settings = tokenSettings();
const authenticate = authenticator(settings);
const roles = { reader: settings.readerRoles, member: settings.memberRoles, delegate: DELEGATE_ROLES };

/** Who may call: members of the path's project, and its readers where nothing is changed. */
export const byProject: Access = [authorize(authenticate, roles, false)];

/** The same, and a delegated tenant. */
export const byDelegate: Access = [authorize(authenticate, roles, true)];
