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

/** What a caller knows already, from the headers of a conditional GET. */
export interface Known {
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

const withoutWeakness = (tag: string): string => tag.trim().replace(/^W\//, "");

/** Whether a caller has what a GET would answer: by the tag if it sent one, else by the time (RFC 9110, 13.2.2). */
export const isKnown = (known: Known, tag: string, modified: Date | undefined): boolean => {
  if (known.ifNoneMatch !== undefined) {
    const tags = known.ifNoneMatch.split(",").map(withoutWeakness);
    return tags.includes("*") || tags.includes(tag);
  }
  const since = Date.parse(known.ifModifiedSince ?? "");
  return modified !== undefined && modified.getTime() <= since;
};
