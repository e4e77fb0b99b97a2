import { ServiceError } from "../errors.ts";
import { isJsonObject } from "../json/json-text.ts";
import { knownFields } from "../shapes.ts";
import type { EndpointEvent, Middleware } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";

/** The most ignored fields that are named, and the most characters of each name. */
const MAX_NAMES = 10;
const MAX_NAME_LENGTH = 64;

/** The most warnings of one response, the most characters of each, and of all: API Gateway takes 10 kB of headers. */
const MAX_WARNINGS = 20;
const MAX_WARNING_LENGTH = 160;
const MAX_HEADER_LENGTH = 4_000;

/** The most characters of one sentence in a refusal, and of all. */
const MAX_SENTENCE_LENGTH = 400;
const MAX_MESSAGE_LENGTH = 10_000;

/** The characters between two sentences. */
const BETWEEN = '", 299 - "'.length;

/** The preference of a caller who wants a refusal instead of warnings (RFC 7240, 4.4). */
export const STRICT = "handling=strict";

/** The first `handling` of a `Prefer` header, which is the one that counts (RFC 7240, 2). */
const HANDLING = /(?:^|,)\s*handling\s*=\s*([^\s;,]*)/i;

/** Whether an endpoint may warn of a request: so it does of ignored fields, and where its spec says so. */
export function mayWarn({ body, warns }: Pick<EndpointSpec, "body" | "warns">): boolean {
  return warns === true || (body !== undefined && knownFields.has(body));
}

/**
 * Middleware: names ignored fields of a body, which are usually typing errors, as warnings: at most ten, each cut at 64
 * characters and percent-encoded. It also notes whether the caller prefers a refusal (`Prefer: handling=strict`).
 */
export function warnings(spec: EndpointSpec): Middleware[] {
  if (!mayWarn(spec)) return [];
  const known = spec.body && knownFields.get(spec.body)?.fields;
  return [{ before: ({ event }) => warnOfFieldsOutside(known && new Set(known), event) }];
}

/**
 * Adds warnings to the response; equal ones count once.
 * @param sentences each begins with the field
 * @throws ServiceError `invalid` with all sentences if the caller prefers a refusal: call it before anything is written
 */
export function warn(event: EndpointEvent, sentences: string[]): void {
  if (sentences.length === 0) return;
  const short = sentences.map((sentence) => sentence.slice(0, MAX_SENTENCE_LENGTH).toWellFormed());
  event.warnings = new Set([...(event.warnings ?? []), ...short]);
  if (event.isStrict)
    throw new ServiceError("invalid", first([...event.warnings], MAX_MESSAGE_LENGTH).join("; "));
}

/** The headers of a successful response that tell of warnings, and of a preference that was applied. */
export function warningHeaders({ warnings = new Set(), isStrict }: EndpointEvent): Record<string, string> {
  const values = first([...warnings].map(quoted), MAX_HEADER_LENGTH).map((sentence) => `299 - "${sentence}"`);
  return {
    ...(values.length > 0 && { warning: values.join(", ") }),
    ...(isStrict && { "preference-applied": STRICT }),
  };
}

function warnOfFieldsOutside(fields: Set<string> | undefined, event: EndpointEvent): void {
  event.isStrict = prefersStrict(event.headers.prefer ?? "");
  if (!fields) return;
  const bodies = (Array.isArray(event.body) ? event.body : [event.body]).filter(isJsonObject);
  const ignored = bodies.flatMap((body) => Object.keys(body).filter((name) => !fields.has(name)));
  const names = [...new Set(ignored)].slice(0, MAX_NAMES);
  warn(event, [
    ...(event.damage ? [event.damage] : []),
    ...names.map((name) => `ignored field "${encoded(name)}"`),
  ]);
}

function prefersStrict(prefer: string): boolean {
  if (prefer === "") return false;
  // Quotes change nothing around a word; a longer text may hold what looks like another preference.
  const parts = prefer.replace(/\\./g, "").split('"');
  const plain = parts.map((part, at) => (at % 2 === 0 || /^\w*$/.test(part) ? part : "quoted")).join("");
  return /^strict$/i.test(HANDLING.exec(plain)?.[1] ?? "");
}

/** The first of some sentences, as many as have room, and how many more there are. */
function first(sentences: string[], length: number): string[] {
  let left = length;
  const named = sentences.slice(0, MAX_WARNINGS).filter((sentence) => {
    left -= sentence.length + BETWEEN;
    return left >= 0;
  });
  const more = sentences.length - named.length;
  return more > 0 ? [...named, `and ${more} more`] : named;
}

/** A sentence as a header's value can hold it in quotes: ASCII, whatever characters a caller's names have. */
function quoted(sentence: string): string {
  const text = sentence.slice(0, MAX_WARNING_LENGTH).toWellFormed();
  const encoded = text.replace(/[^ -~]+/g, encodeURIComponent).slice(0, MAX_WARNING_LENGTH);
  // A cut may have left a part of an encoded character.
  return encoded.replace(/%[\dA-F]?$/, "").replace(/["\\]/g, "\\$&");
}

/** A name without characters that could be misread in a sentence. */
function encoded(name: string): string {
  return encodeURIComponent([...name].slice(0, MAX_NAME_LENGTH).join("").toWellFormed());
}
