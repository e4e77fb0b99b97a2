import { type ErrorKind, ServiceError } from "../errors.ts";
import { quirksOf } from "./clients/golangsdk.ts";
import type { Middleware } from "./event.ts";
import { gatewayResponse, Reply } from "./reply.ts";

/** How an error kind is answered. */
interface Fault {
  code: number;
  title: string;
  explanation: string;
  type: string;
  headers?: Record<string, string>;
}

/** After how many seconds a caller may try again when a dependency failed. */
const RETRY_AFTER = "2";

/** The one error table: every kind of `ServiceError` and the fault it becomes, in Heat's words. */
const FAULTS = {
  invalid: {
    code: 400,
    title: "Bad Request",
    explanation:
      "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    type: "Invalid",
  },
  unauthorized: {
    code: 401,
    title: "Unauthorized",
    explanation: "This server could not verify that you are authorized to access the document you requested.",
    type: "Unauthorized",
  },
  forbidden: {
    code: 403,
    title: "Forbidden",
    explanation: "Access was denied to this resource.",
    type: "Forbidden",
  },
  not_found: {
    code: 404,
    title: "Not Found",
    explanation: "The resource could not be found.",
    type: "NotFound",
  },
  method_not_allowed: {
    code: 405,
    title: "Method Not Allowed",
    explanation: "The method specified is not allowed for this resource.",
    type: "MethodNotAllowed",
  },
  conflict: {
    code: 409,
    title: "Conflict",
    explanation: "There was a conflict when trying to complete your request.",
    type: "Conflict",
  },
  precondition_failed: {
    code: 412,
    title: "Precondition Failed",
    explanation: "A precondition of the request does not hold.",
    type: "PreconditionFailed",
  },
  internal: {
    code: 500,
    title: "Internal Server Error",
    explanation: "The server has either erred or is incapable of performing the requested operation.",
    type: "InternalServerError",
  },
  unavailable: {
    code: 503,
    title: "Service Unavailable",
    explanation: "The service is temporarily unable to answer: try again later.",
    type: "ServiceUnavailable",
    headers: { "retry-after": RETRY_AFTER },
  },
} satisfies Record<ErrorKind, Fault>;

/**
 * Middleware: turns what any later step throws into a fault.
 * @param challenge the value of `WWW-Authenticate` on a 401
 */
export function faults(challenge: string): Middleware {
  return {
    onError: (request) => {
      const { status, headers, body } = faultReply(request.error, quirksOf(request.event) !== undefined);
      const more = status === 401 ? { "www-authenticate": challenge } : {};
      request.response = gatewayResponse(request.event, new Reply(status, { ...headers, ...more }, body));
    },
  };
}

/**
 * The reply for anything that was thrown: Heat's fault body. Only a `ServiceError` speaks for itself; of everything
 * else the caller learns that it was an internal error.
 * @param distinguishForbidden whether the caller is told 403 from 401: the API page has no 403
 */
export function faultReply(error: unknown, distinguishForbidden = false): Reply {
  const known = error instanceof ServiceError ? error : undefined;
  const kind = known?.kind === "forbidden" && !distinguishForbidden ? "unauthorized" : known?.kind;
  const fault: Fault = FAULTS[kind ?? "internal"];
  const { code, title, explanation, type, headers = {} } = fault;
  const message = known?.message ?? explanation;
  return new Reply(code, headers, {
    code,
    title,
    explanation,
    error: { type, message, traceback: null },
  });
}
