import { type AccessRule, isAllowed } from "../auth/access-rules.ts";
import { authenticator } from "../auth/authenticate.ts";
import type { Identity } from "../auth/identity.ts";
import { ServiceError } from "../errors.ts";
import { DELEGATE_ROLES, tokenSettings } from "../settings.ts";
import type { Access, Caller, EndpointEvent, Middleware } from "./event.ts";

/** The most bytes of a request's tokens together. API Gateway refuses more than 10,240 bytes of headers. */
const MAX_TOKEN_BYTES = 8_192;

const BEARER = /^bearer +/i;

const settings = tokenSettings();
const authenticate = authenticator(settings);

/** Access for members of the path's project, and for its readers with GET and HEAD. */
export const byProject: Access = [authorize(false)];

/** Access as `byProject`, and for delegated tenants. The endpoint must show them only deployments that name them. */
export const byProjectOrDelegate: Access = [authorize(true)];

/**
 * Middleware: checks a request's token. Its project must be the path's, and its roles must allow the method. If
 * delegated tenants may call, another project's token makes its holder one.
 * @throws ServiceError `unauthorized` for an invalid token, `forbidden` for one that does not allow the request,
 *   `unavailable` if the token cannot be checked now
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
      if (!caller) throw new ServiceError("forbidden", refusalMessage(identity, projectId));
      event.caller = caller;
    },
  };
}

/** The token of a request, from `X-Auth-Token` or `Authorization: Bearer`. @throws ServiceError `unauthorized` */
function presentedToken(headers: EndpointEvent["headers"]): string {
  // API Gateway joins repeated headers with commas; no token has one.
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

/** The caller that a token makes its holder on a project's path; undefined if it may not call. */
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
  // A stack user may be in the project itself, in installations without a stack domain.
  return delegable && (isMember || DELEGATE_ROLES.some((role) => roles.has(role)))
    ? { projectId, delegateProjectId: identity.projectId, mayWrite: true, link: undefined }
    : undefined;
}

/** The message for a valid token that does not allow a request. Its project is the caller's own, so it may be named. */
function refusalMessage(identity: Identity, projectId: string | undefined): string {
  const refusal = "Authorization failed: the token does not allow this request.";
  return identity.projectId === projectId
    ? refusal
    : `${refusal} It is for the project ${identity.projectId}.`;
}

/** Whether the access rules of a token allow a request. A rule for GET allows HEAD. */
function isAllowedByRules(rules: AccessRule[], method: string, path: string): boolean {
  return isAllowed(rules, method, path) || (method === "HEAD" && isAllowed(rules, "GET", path));
}

function unauthorized(message: string): ServiceError {
  return new ServiceError("unauthorized", message);
}
