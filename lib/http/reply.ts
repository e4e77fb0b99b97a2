import { ServiceError } from "../errors.ts";

/** An endpoint's answer that says more than its body: a status and headers of its own. */
export class Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;

  constructor(status: number, headers: Record<string, string>, body?: unknown) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** What a caller knows already, or relies on, from the headers of a conditional request. */
export interface Known {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

/** By what a caller can tell that an answer has not changed. */
export interface Validators {
  etag: string;
  /** When it last changed, where a whole second can tell. */
  modified?: Date | undefined;
}

const tagsOf = (header: string): string[] => header.split(",").map((tag) => tag.trim());

const withoutWeakness = (tag: string): string => tag.replace(/^W\//, "");

/** Whether a caller has what a GET would answer: by the tag if it sent one, else by the time (RFC 9110, 13.2.2). */
const isKnown = (known: Known, { etag, modified }: Validators): boolean => {
  if (known.ifNoneMatch !== undefined) {
    const tags = tagsOf(known.ifNoneMatch).map(withoutWeakness);
    return tags.includes("*") || tags.includes(etag);
  }
  const since = Date.parse(known.ifModifiedSince ?? "");
  return modified !== undefined && modified.getTime() <= since;
};

/**
 * Answers a GET or HEAD with no more work than it takes: 304 to who knows the answer, headers alone to a HEAD.
 * @param answer makes the body, for a GET that needs it
 */
export const conditionally = async (
  { method, known }: { method: string; known: Known },
  validators: Validators,
  answer: () => object | Promise<object>,
): Promise<Reply> => {
  const { etag, modified } = validators;
  const headers = {
    "cache-control": "private, no-cache",
    etag,
    ...(modified && { "last-modified": modified.toUTCString() }),
  };
  if (isKnown(known, validators)) return new Reply(304, headers);
  if (method === "HEAD") return new Reply(200, { "content-type": "application/json", ...headers });
  return new Reply(200, headers, await answer());
};

/** Holds the tag of what is there against what a caller relies on. @throws ServiceError `precondition_failed` */
export type Expects = (etag: string) => void;

/** What a change relies on, by its If-Match (RFC 9110, 13.1.1: weak tags never match); nothing without one. */
export const expectation = ({ ifMatch }: Known): Expects | undefined => {
  if (ifMatch === undefined) return undefined;
  const tags = tagsOf(ifMatch);
  return (etag) => {
    if (tags.includes("*") || tags.includes(etag)) return;
    throw new ServiceError("precondition_failed", `If-Match: it has moved on, its ETag is ${etag} now`);
  };
};
