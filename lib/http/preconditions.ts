import { ServiceError } from "../errors.ts";
import { Reply } from "./reply.ts";

/** The headers of a conditional request (RFC 9110, 13.1). */
export interface Preconditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

/** The validators of a response, by which a caller can tell that it has not changed (RFC 9110, 8.8). */
export interface Validators {
  etag: string;
  /** When it last changed, where a whole second can tell. */
  lastModified?: Date | undefined;
}

/** What is asked about again each time, and kept by its caller alone. */
const PRIVATE = { "cache-control": "private, no-cache" };

/**
 * Answers a GET or HEAD with no more work than it takes: 304 to a caller who has the response, headers alone to a HEAD.
 * @param body makes the response's body, for a GET that needs it; or a reply of its own, where the body is not what the
 *   validators stand for
 * @param more headers that say who may keep it, and what it is
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

/** A reply without validators, so that nobody asks with them again: its body is not what they stand for. */
export function unvalidatedReply(body: object): Reply {
  return new Reply(200, PRIVATE, body);
}

/**
 * The check that a change's `If-Match` asks for (RFC 9110, 13.1.1: weak tags never match); undefined without one.
 * @returns a function that throws ServiceError `precondition_failed` for another ETag than those named
 */
export function ifMatchCheck({ ifMatch }: Preconditions): ((etag: string) => void) | undefined {
  if (ifMatch === undefined) return undefined;
  const tags = tagsOf(ifMatch);
  return (etag) => {
    if (tags.includes("*") || tags.includes(etag)) return;
    throw new ServiceError("precondition_failed", `If-Match: it has moved on, its ETag is ${etag} now`);
  };
}

/** Whether a caller has what a GET would answer: by the tag if it sent one, else by the time (RFC 9110, 13.2.2). */
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
