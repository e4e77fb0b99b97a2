import { isJsonObject } from "../json/json-text.ts";
import { knownFields } from "../shapes.ts";
import type { Middleware } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";

/** The most ignored fields that are named, and the most characters of each name. */
const MAX_NAMES = 10;
const MAX_NAME_LENGTH = 64;

/**
 * Middleware: names ignored fields of a body, which are usually typing errors, in a `Warning: 299` header: at most ten,
 * each cut at 64 characters and percent-encoded. There is no header if no field is ignored.
 */
export function warnings({ body }: EndpointSpec): Middleware[] {
  const fields = body && knownFields.get(body)?.fields;
  return fields ? [warnOfFieldsOutside(new Set(fields))] : [];
}

function warnOfFieldsOutside(fields: Set<string>): Middleware {
  return {
    before: ({ event }) => {
      const bodies = (Array.isArray(event.body) ? event.body : [event.body]).filter(isJsonObject);
      const ignored = bodies.flatMap((body) => Object.keys(body).filter((name) => !fields.has(name)));
      const names = [...new Set(ignored)].slice(0, MAX_NAMES);
      if (names.length === 0) return;
      event.warning = names.map((name) => `299 - "ignored field \\"${encoded(name)}\\""`).join(", ");
    },
  };
}

/** A name in the form of a header's value, whatever characters it has. */
function encoded(name: string): string {
  return encodeURIComponent([...name].slice(0, MAX_NAME_LENGTH).join("").toWellFormed());
}
