import * as z from "zod/mini";
import { IDEMPOTENCY_KEY } from "../../lib/http/validate.ts";
import { STRICT } from "../../lib/http/warnings.ts";
import { documented } from "../../lib/shapes.ts";

const header = (description: string, more: object = {}) =>
  documented(z.optional(z.string()), { description, ...more });

/** The headers that requests may have, beside those with which a caller authenticates. */
export const requestHeaders: Record<string, z.ZodMiniType> = {
  "Idempotency-Key": header(
    "The caller's own name for this request, which makes it safe to repeat for 7 days: an equal request is answered with what the first one made. 1 to 255 visible ASCII characters.",
    { pattern: IDEMPOTENCY_KEY.source },
  ),
  Prefer: header(
    "`handling=strict`: what would be a `Warning` is 400 instead, and nothing is made or changed (RFC 7240).",
  ),
  "If-Match": header("Changes it only while it has one of these ETags, else 412. `*` stands for any."),
  "If-None-Match": header("ETags that the caller has: 304 where it still has one of them."),
  "If-Modified-Since": header("Where there is no `If-None-Match`: 304 where nothing has changed since then."),
};

/** The headers that responses may have. */
export const responseHeaders: Record<string, z.ZodMiniType> = {
  "x-openstack-request-id": documented(z.string(), {
    description: "The id of the request, which the service's log has too.",
    pattern: "^req-[0-9a-f-]{36}$",
  }),
  ETag: header("Another one after every change.", { pattern: '^"[^"]*"$' }),
  Location: header("The address of what was created, where that is one thing.", { format: "uri" }),
  "Cache-Control": header("Who may keep the response, and how long."),
  "Last-Modified": header("When it last changed; absent in the first seconds after a change."),
  Warning: header(
    'What was ignored, or is likely wrong: `299 - "ignored field \\"nmae\\""`, `299 - "group: agents run nothing that has no group"`.',
  ),
  "Preference-Applied": header("The preference of the request that was followed.", { enum: [STRICT] }),
  "Idempotent-Replayed": header("That the request came before, under the same key.", { enum: ["true"] }),
  "WWW-Authenticate": header("Where tokens come from."),
  "Content-Security-Policy": header("What the page may load."),
  "Referrer-Policy": header("What the page tells other sites: nothing."),
  "X-Content-Type-Options": header("That its type is to be believed.", { enum: ["nosniff"] }),
  Vary: header("The request's headers that decide about the form of the response."),
  "Content-Encoding": header("That the body is compressed.", { enum: ["gzip"] }),
  "Retry-After": header("After how many seconds to try again.", { pattern: "^[0-9]+$" }),
};
