import * as z from "zod/mini";
import { type ErrorKind, ServiceError } from "../../lib/errors.ts";
import { faultReply } from "../../lib/http/faults.ts";
import { documented } from "../../lib/shapes.ts";
import type { Endpoint } from "./endpoints.ts";

/** The body of every fault, which is Heat's. */
export const Fault = documented(
  z.object({
    code: documented(z.number(), { type: "integer", description: "The status once more." }),
    title: z.string(),
    explanation: z.string(),
    error: z.object({
      type: z.string(),
      message: documented(z.string(), { description: "What is wrong; it names every wrong field." }),
      traceback: z.null(),
    }),
  }),
  { id: "Fault", description: "What went wrong, in Heat's form." },
);

/** The service's messages, as the document's examples. */
const MESSAGES: Partial<Record<ErrorKind, string>> = {
  invalid: 'status: one of COMPLETE, IN_PROGRESS, FAILED is expected, not "DONE"',
  unauthorized: "Authorization failed: the token does not allow this request.",
  not_found: "Deployment with id 01a20d6d-172e-7436-af21-a30bc1ff5d22 not found",
  conflict: "Idempotency-Key: another request was made under this key",
  precondition_failed: 'If-Match: it has moved on, its ETag is "2" now',
  unavailable: "The request took too long.",
};

const MORE_HEADERS: Partial<Record<ErrorKind, string[]>> = {
  unauthorized: ["WWW-Authenticate"],
  unavailable: ["Retry-After"],
};

/** A fault, as the document tells of it once for all operations that may answer it. */
export interface FaultResponse {
  status: number;
  /** Its name among the document's responses. */
  name: string;
  description: string;
  headers: string[];
  example: object;
}

/** The fault that a kind of error becomes, by the one table of errors. */
export function faultResponse(kind: ErrorKind): FaultResponse {
  const message = MESSAGES[kind];
  const reply = faultReply(message === undefined ? undefined : new ServiceError(kind, message));
  const body = reply.body as z.infer<typeof Fault>;
  return {
    status: reply.status,
    name: body.title.replaceAll(" ", ""),
    description: body.explanation,
    headers: MORE_HEADERS[kind] ?? [],
    example: body,
  };
}

/** The kinds of errors that an endpoint may answer: by its shapes, its callers and its headers, and those of its notes. */
export function faultsOf({ spec, path, notes }: Endpoint): ErrorKind[] {
  const { path: pathShape, query, body, idempotent, access } = spec;
  const kinds: [ErrorKind, unknown][] = [
    ["invalid", pathShape ?? query ?? body ?? idempotent],
    ["unauthorized", access.length > 0],
    ["not_found", path.includes("{id}")],
    ["conflict", idempotent],
    ["precondition_failed", notes.requestHeaders?.includes("If-Match")],
    ["internal", true],
    ["unavailable", true],
  ];
  return kinds.flatMap(([kind, may]) => (may || notes.faults?.includes(kind) ? [kind] : []));
}
