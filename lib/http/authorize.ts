import { isAllowed } from "../auth/access-rules.ts";
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
      const { method } = event.requestContext.http;
      const reads = method === "GET" || method === "HEAD";
      const projectId = event.pathParameters?.project_id;
      const caller = mayCall(identity, method, event.rawPath)
        ? callerOf(identity, { projectId, reads, delegable })
        : undefined;
      if (!caller)
        throw new ServiceError("forbidden", "Authorization failed: the token does not allow this request.");
      event.caller = caller;
    },
  };
}

/** Whether the access rules of a token, where it has some, allow a request; a HEAD is a GET to them. */
function mayCall({ accessRules }: Identity, method: string, path: string): boolean {
  if (accessRules === undefined || isAllowed(accessRules, method, path)) return true;
  return method === "HEAD" && isAllowed(accessRules, "GET", path);
}

/** The one token that a request presents, in `X-Auth-Token` or `Authorization: Bearer`. */
function presentedToken(headers: EndpointEvent["headers"]): string {
  const bearers = valuesOf(headers.authorization).filter((value) => BEARER.test(value));
  const presented = [
    ...valuesOf(headers["x-auth-token"]),
    ...bearers.map((value) => value.replace(BEARER, "")),
  ];
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

/** API Gateway joins the values of a header that comes twice with commas, which no token holds. */
function valuesOf(header: string | undefined): string[] {
  return (header ?? "")
    .split(",")
    .map((value) => value.trim())
    .filter((value) => value !== "");
}

/** Who the holder of a token is on a project's path: a caller there, a delegated tenant, or nobody. */
function callerOf(
  identity: Identity,
  { projectId, reads, delegable }: { projectId: string | undefined; reads: boolean; delegable: boolean },
): Caller | undefined {
  const has = (names: string[]): boolean => identity.roles.some((role) => names.includes(role));
  const isMember = has(settings.memberRoles);
  if (projectId === undefined) return undefined;
  if (identity.projectId === projectId && (isMember || (reads && has(settings.readerRoles))))
    return { projectId, mayWrite: isMember };
  // Also on its own project's path: installations without a stack domain have their stack users there.
  return delegable && (isMember || has(DELEGATE_ROLES))
    ? { projectId, delegateProjectId: identity.projectId, mayWrite: true }
    : undefined;
}

function unauthorized(message: string): ServiceError {
  return new ServiceError("unauthorized", message);
}
