import { type ErrorKind, ServiceError } from "../errors.ts";
import { logFault } from "./access-log.ts";
import { quirksOf } from "./clients/golangsdk.ts";
import type { Middleware } from "./event.ts";
import { gatewayResponse, Reply } from "./reply.ts";

/** The response for an error kind. */
interface Fault {
  code: number;
  title: string;
  explanation: string;
  type: string;
  headers?: Record<string, string>;
}

/** The value of `Retry-After`, in seconds. */
const RETRY_AFTER = "2";

/** The fault for every kind of `ServiceError`, in Heat's words. */
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
 * Middleware: turns every error of later middlewares and of the endpoint into a fault response.
 * @param challenge the value of `WWW-Authenticate` for a 401
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
 * The status and the message of an error of one part of a request, as if it were the whole. A failure of ours is logged.
 */
export function refusalOf(requestId: string, error: unknown): { code: number; message: string } {
  const refusal = error instanceof ServiceError ? error : internal(error);
  const { code } = FAULTS[refusal.kind];
  logFault(refusal, code, `req-${requestId}`);
  return { code, message: refusal.message };
}

/**
 * The reply for an error, with Heat's fault body. Only the message of a `ServiceError` is sent; every other error is an
 * internal one.
 * @param distinguishForbidden whether `forbidden` is 403; otherwise it is 401, since the API page has no 403
 */
export function faultReply(error: unknown, distinguishForbidden = false): Reply {
  const serviceError = error instanceof ServiceError ? error : undefined;
  const isUnauthorized = serviceError?.kind === "forbidden" && !distinguishForbidden;
  const kind = isUnauthorized ? "unauthorized" : serviceError?.kind;
  const fault: Fault = FAULTS[kind ?? "internal"];
  const { code, title, explanation, type, headers = {} } = fault;
  const message = serviceError?.message ?? explanation;
  return new Reply(code, headers, {
    code,
    title,
    explanation,
    error: { type, message, traceback: null },
  });
}

function internal(cause: unknown): ServiceError {
  return new ServiceError("internal", FAULTS.internal.explanation, { cause });
}
