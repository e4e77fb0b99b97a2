import { isJsonObject } from "../json/exact-json.ts";
import { knownFields } from "../shapes.ts";
import type { Middleware } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";

/** How many ignored fields are named, and how many characters of each name. */
const MAX_NAMES = 10;
const MAX_NAME = 64;

/**
 * Middleware: names in a `Warning: 299` header the fields of a body that the service ignored, as they are usually
 * typing errors: at most ten, each cut at 64 characters and percent-encoded. Nothing where no field is ignored.
 */
export function warnings({ body }: EndpointSpec): Middleware[] {
  const known = body && knownFields.get(body)?.fields;
  return known ? [warnOfFieldsOutside(new Set(known))] : [];
}

function warnOfFieldsOutside(known: Set<string>): Middleware {
  return {
    before: ({ event }) => {
      const bodies = (Array.isArray(event.body) ? event.body : [event.body]).filter(isJsonObject);
      const ignored = bodies.flatMap((body) => Object.keys(body).filter((name) => !known.has(name)));
      const names = [...new Set(ignored)].slice(0, MAX_NAMES);
      if (names.length === 0) return;
      event.warning = names.map((name) => `299 - "ignored field \\"${encoded(name)}\\""`).join(", ");
    },
    after: ({ event, response }) => {
      if (event.warning && response) response.headers.warning = event.warning;
    },
  };
}

/** A name as a header can hold it, whatever its caller wrote. */
function encoded(name: string): string {
  return encodeURIComponent([...name].slice(0, MAX_NAME).join("").toWellFormed());
}
