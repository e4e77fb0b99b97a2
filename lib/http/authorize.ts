import { type AccessRule, isAllowed } from "../auth/access-rules.ts";
import { authenticator } from "../auth/authenticate.ts";
import type { Identity } from "../auth/identity.ts";
import { ServiceError } from "../errors.ts";
import { DELEGATE_ROLES, tokenSettings } from "../settings.ts";
import type { Access, Caller, EndpointEvent, Middleware } from "./event.ts";

/** The most that a request's tokens take together, in bytes: API Gateway itself refuses more than 10,240 of headers. */
const MAX_TOKEN_BYTES = 8_192;

const BEARER = /^bearer +/i;

const settings = tokenSettings();
const authenticate = authenticator(settings);

/** Who may call: members of the path's project, and its readers where nothing is changed. */
export const byProject: Access = [authorize(false)];

/** Who may call: the same, and a delegated tenant, to whom the endpoint shows only what names its project. */
export const byProjectOrDelegate: Access = [authorize(true)];

/**
 * Middleware: finds out whose token a request carries and checks that it allows the request: the token's project must
 * be the path's, and its roles must allow the method. Where a delegated tenant may act, another project's token is let
 * through as one.
 * @throws ServiceError `unauthorized` for a token that is not valid, `forbidden` for one that does not allow the request,
 *   `unavailable` when the token cannot be checked now
 */
function authorize(delegable: boolean): Middleware {
  return {
    before: async ({ event }) => {
      const identity = await authenticate(presentedToken(event.headers));
      const { accessRules } = identity;
      const { method } = event.requestContext.http;
      const reads = method === "GET" || method === "HEAD";
      const projectId = event.pathParameters?.project_id;
      const caller =
        accessRules === undefined || isAllowedByRules(accessRules, method, event.rawPath)
          ? callerOf(identity, { projectId, reads, delegable })
          : undefined;
      if (!caller)
        throw new ServiceError("forbidden", "Authorization failed: the token does not allow this request.");
      event.caller = caller;
    },
  };
}

/** The one token that a request presents, in `X-Auth-Token` or `Authorization: Bearer`. */
function presentedToken(headers: EndpointEvent["headers"]): string {
  // API Gateway joins the values of a header that comes twice with commas, which no token holds.
  const tokens = (headers["x-auth-token"] ?? "").split(",").map((value) => value.trim());
  const bearers = (headers.authorization ?? "").split(",").map((value) => value.trim());
  const presented = [
    ...tokens,
    ...bearers.filter((value) => BEARER.test(value)).map((value) => value.replace(BEARER, "")),
  ].filter((value) => value !== "");
  if (presented.join("").length > MAX_TOKEN_BYTES)
    throw unauthorized("Authorization failed: the token is too long.");
  const [token, second] = new Set(presented);
  if (token === undefined) {
    throw unauthorized(
      "Authorization failed: a token is required, in X-Auth-Token or Authorization: Bearer.",
    );
  }
  if (second !== undefined)
    throw unauthorized("Authorization failed: the request holds two different tokens.");
  return token;
}

/** The holder of a token on a project's path: a caller there, a delegated tenant, or nobody. */
function callerOf(
  identity: Identity,
  { projectId, reads, delegable }: { projectId: string | undefined; reads: boolean; delegable: boolean },
): Caller | undefined {
  if (projectId === undefined) return undefined;
  const roles = new Set(identity.roles);
  const isMember = settings.memberRoles.some((role) => roles.has(role));
  const isReader = reads && settings.readerRoles.some((role) => roles.has(role));
  if (identity.projectId === projectId && (isMember || isReader))
    return { projectId, mayWrite: isMember, link: undefined };
  // Also on its own project's path: installations without a stack domain have their stack users there.
  return delegable && (isMember || DELEGATE_ROLES.some((role) => roles.has(role)))
    ? { projectId, delegateProjectId: identity.projectId, mayWrite: true, link: undefined }
    : undefined;
}

/** Whether the access rules of a token allow a request; a HEAD is a GET to them. */
function isAllowedByRules(rules: AccessRule[], method: string, path: string): boolean {
  return isAllowed(rules, method, path) || (method === "HEAD" && isAllowed(rules, "GET", path));
}

function unauthorized(message: string): ServiceError {
  return new ServiceError("unauthorized", message);
}
