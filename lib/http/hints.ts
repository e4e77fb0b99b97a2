import type { MiddlewareObj } from "@middy/core";
import { isJsonObject } from "../wire/exact-json.ts";
import { knownFields } from "../wire/fields.ts";
import type { Answer, EndpointEvent } from "./event.ts";
import type { Shape } from "./validate.ts";

/** How many ignored fields are named, and how many characters of each name. */
const MAX_NAMES = 10;
const MAX_NAME = 64;

/** The fields of a body, or of each body of a batch, that nothing is done with. */
const ignored = (body: unknown, known: Set<string>): string[] => {
  const bodies = (Array.isArray(body) ? body : [body]).filter(isJsonObject);
  const names = bodies.flatMap((one) => Object.keys(one).filter((name) => !known.has(name)));
  return names.length === 0 ? names : [...new Set(names)].slice(0, MAX_NAMES);
};

/** A name as a header may hold it, whatever its caller wrote into it. */
const encoded = (name: string): string =>
  encodeURIComponent([...name].slice(0, MAX_NAME).join("").toWellFormed());

const hintsBeside = (known: Set<string>): MiddlewareObj<EndpointEvent, Answer> => ({
  before: ({ event }) => {
    const names = ignored(event.body, known);
    if (names.length === 0) return;
    event.warning = names.map((name) => `299 - "ignored field \\"${encoded(name)}\\""`).join(", ");
  },
  after: ({ event, response }) => {
    if (event.warning && response) response.headers.warning = event.warning;
  },
});

/**
 * Middleware: names in a `Warning: 299` header the fields of a body that the service ignored, as they are usually
 * typing errors: at most ten, each cut at 64 characters and percent-encoded. Nothing where every field is taken.
 */
export const hints = ({ body }: Shape): MiddlewareObj<EndpointEvent, Answer>[] => {
  const known = body && knownFields.get(body)?.fields;
  return known ? [hintsBeside(new Set(known))] : [];
};
