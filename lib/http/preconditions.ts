import { ServiceError } from "../errors.ts";
import { revisionIn } from "../etag.ts";
import type { EndpointEvent } from "./event.ts";
import { Reply } from "./reply.ts";

/** The headers of a conditional request (RFC 9110, 13.1). */
export interface Preconditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

/** The validators of a response (RFC 9110, 8.8). */
export interface Validators {
  etag: string;
  /** The time of the last change, if no other change can have the same second. */
  lastModified?: Date | undefined;
}

/** The header for responses that only their caller may cache, and must revalidate each time. */
const PRIVATE = { "cache-control": "private, no-cache" };

/** The conditional headers of a request. */
export function preconditionsOf(headers: EndpointEvent["headers"]): Preconditions {
  return {
    ifMatch: headers["if-match"],
    ifNoneMatch: headers["if-none-match"],
    ifModifiedSince: headers["if-modified-since"],
  };
}

/**
 * The reply to a conditional GET or HEAD: 304 if the caller has the current response, only headers for a HEAD.
 * @param body makes the body, only called if the reply needs one. It may return a complete `Reply` instead, if the
 *   validators do not describe the body
 * @param more the other headers of the reply; by default only the caller may cache it
 */
export async function conditionalReply(
  { method, preconditions }: { method: string; preconditions: Preconditions },
  validators: Validators,
  body: () => object | Promise<object>,
  more: Record<string, string> = PRIVATE,
): Promise<Reply> {
  const { etag, lastModified } = validators;
  const headers = { ...more, etag, ...(lastModified && { "last-modified": lastModified.toUTCString() }) };
  if (isUnchanged(preconditions, validators)) return new Reply(304, headers);
  if (method === "HEAD") return new Reply(200, { "content-type": "application/json", ...headers });
  const made = await body();
  return made instanceof Reply ? made : new Reply(200, headers, made);
}

/** A reply without validators, for a body that they do not describe: the next request must not be conditional. */
export function unvalidatedReply(body: object): Reply {
  return new Reply(200, PRIVATE, body);
}

/**
 * The check of an `If-Match` header (RFC 9110, 13.1.1: weak tags never match), which compares revisions; undefined if there
 * is none.
 * @returns a function that throws ServiceError `precondition_failed` if the header does not have the resource's ETag
 */
export function ifMatchCheck({ ifMatch }: Preconditions): ((etag: string) => void) | undefined {
  if (ifMatch === undefined) return undefined;
  const tags = tagsOf(ifMatch).map(revisionIn);
  return (etag) => {
    if (tags.includes("*") || tags.includes(revisionIn(etag))) return;
    throw new ServiceError("precondition_failed", `If-Match: it has moved on, its ETag is ${etag} now`);
  };
}

/** Whether a caller has the current response: by the tag if it sent one, else by the time (RFC 9110, 13.2.2). */
function isUnchanged(preconditions: Preconditions, { etag, lastModified }: Validators): boolean {
  if (preconditions.ifNoneMatch !== undefined) {
    const tags = tagsOf(preconditions.ifNoneMatch).map((tag) => tag.replace(/^W\//, ""));
    return tags.includes("*") || tags.includes(etag);
  }
  const since = Date.parse(preconditions.ifModifiedSince ?? "");
  return lastModified !== undefined && lastModified.getTime() <= since;
}

function tagsOf(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
