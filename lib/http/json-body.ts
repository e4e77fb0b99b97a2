import type { Request } from "@middy/core";
import httpJsonBodyParser from "@middy/http-json-body-parser";
import { ServiceError } from "../errors.ts";
import {
  elementsOf,
  holdsLongNumber,
  isContainer,
  isJsonObject,
  isObjectText,
  type JsonObject,
  JsonText,
  MAX_LEVELS,
  MAX_NUMBER_CHARACTERS,
  mayDiffer,
  nestsDeeperThan,
  parseMembers,
  pollutingName,
  textNestsDeeperThan,
  withoutBlanks,
} from "../json/json-text.ts";
import { MAX_BODY_BYTES } from "../shapes.ts";
import type { EndpointEvent, Middleware } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";

/** The media types whose body is read as JSON, including the defaults of curl and some clients. */
const ACCEPTED_TYPES =
  /^(application\/([a-z0-9.+-]+\+)?json|application\/x-www-form-urlencoded|text\/plain|text\/json)$/i;

/** The cause of the parser's errors: the refused key. */
interface Refusal {
  package?: string;
  data?: string;
}

/** The names that could pollute a prototype, and the escape by which a name may be written. */
const MARKS_OF_NAMES = ["__proto__", "constructor", "\\u"];

/** The most fields of a body, and bodies of a batch, that middy's parser gets. */
const MAX_PARSED = 100;

const parser = httpJsonBodyParser({ disableContentTypeCheck: true });

/** The declared charset of a content type, of the first where a header that came twice was joined. */
const CHARSET = /;\s*charset\s*=\s*["']?([^\s;,"']*)/i;

/** The charsets that are read: UTF-8, and its subset. */
const UTF_8 = /^(utf-?8|us-ascii|ascii)?$/i;

/** The character that stands where a text could not be decoded. */
const REPLACEMENT = "\ufffd";

/** A byte order mark, which a JSON parser may skip (RFC 8259, 8.1). */
const BYTE_ORDER_MARK = "\ufeff";

/** The endpoint's rules for a body's text. */
type BodyRules = Pick<EndpointSpec, "lenientBody" | "optionalBody" | "maxBodyBytes" | "warnsOfDamage">;

/** Middleware: reads a body before it is validated. */
export function jsonBody(rules: BodyRules): Middleware {
  return { before: ({ event }) => readJsonBody(event, rules) };
}

/**
 * Replaces a body's text by its JSON value, whatever JSON-like content type was declared, or none. If the text may differ
 * from what a plain parse gives back (`mayDiffer`), the body's lists, objects and such numbers are `JsonText`.
 *
 * middy's parser looks for forbidden keys by a reviver, which costs 2 µs an element: 40 times a plain parse of a
 * megabyte. So it gets a body's first fields, with lists and objects emptied; all names are checked in the text.
 * @param rules.optionalBody takes an empty body for `{}`
 * @param rules.lenientBody takes any content type, and an empty body for `{}`; such an object is one `JsonText`
 * @throws ServiceError `invalid` for another content type or charset, an empty body, one that is too large, broken UTF-8
 *   or JSON, more than `MAX_LEVELS`, a key that could pollute a prototype
 */
export function readJsonBody(event: EndpointEvent, rules: BodyRules): void {
  const text = textOf(event, rules);
  try {
    const value: unknown = JSON.parse(text);
    // The body itself is one level; each field may have MAX_LEVELS.
    if (textNestsDeeperThan(MAX_LEVELS + 1, text)) checkDepth(value, text);
    const refused = MARKS_OF_NAMES.some((mark) => text.includes(mark)) ? pollutingName(text) : undefined;
    if (refused) throw keyRefused(refused);
    Object.assign(event, { body: withoutValues(value), isBase64Encoded: false });
    parser.before?.({ event } as Request<never>);
    event.body = mayDiffer(text) ? exactBody(value, text, rules) : value;
  } catch (error) {
    throw explained(error);
  }
}

/** The text of a body, or of each body of a batch, whose lists and objects are null. */
function withoutValues(value: unknown): string {
  const bodies = (Array.isArray(value) ? value.slice(0, MAX_PARSED) : [value]).map((body) =>
    isJsonObject(body) ? firstFields(body) : null,
  );
  return JSON.stringify(Array.isArray(value) ? bodies : bodies[0]);
}

function firstFields(body: JsonObject): JsonObject {
  const first: JsonObject = {};
  let count = 0;
  // Not Object.entries: a body may have a hundred thousand fields.
  for (const name in body) {
    if (count === MAX_PARSED) break;
    count += 1;
    first[name] = typeof body[name] === "object" ? null : body[name];
  }
  return first;
}

/** A body with its numbers and names as they were sent; where all fields are alike, all of it as one text. */
function exactBody(value: unknown, text: string, { lenientBody }: BodyRules): unknown {
  if (!lenientBody || !isJsonObject(value)) return withTexts(value, text);
  if (holdsLongNumber(text)) throw longNumber("body");
  return new JsonText(withoutBlanks(text));
}

/** A body, or each body of a batch, with its lists, objects and odd numbers as `JsonText`. */
function withTexts(value: unknown, text: string): unknown {
  const body = isJsonObject(value)
    ? parseMembers(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1))
    : withTextsInBatch(value, text);
  for (const [field, member] of fieldsOf(body)) {
    if (member instanceof JsonText && holdsLongNumber(member.text)) throw longNumber(field);
  }
  return body;
}

function withTextsInBatch(value: unknown, text: string): unknown {
  if (!Array.isArray(value)) return value;
  const elements = elementsOf(text.slice(text.indexOf("["), text.lastIndexOf("]") + 1));
  return elements.map((element, at) => (isObjectText(element) ? parseMembers(element) : value[at]));
}

/** The body's text; API Gateway hands over in base64 what it does not take for text. */
function textOf(event: EndpointEvent, rules: BodyRules): string {
  const { lenientBody, optionalBody, maxBodyBytes, warnsOfDamage } = rules;
  const { body, isBase64Encoded, headers } = event;
  const sent = typeof body === "string" ? body : "";
  if ((lenientBody || optionalBody) && !sent) return "{}";
  const contentType = headers["content-type"] ?? "";
  if (!lenientBody) checkType(contentType);
  if (!sent) throw invalid("body: a JSON object is expected, the body is empty");
  const bytes = Buffer.byteLength(sent, isBase64Encoded ? "base64" : "utf8");
  const most = maxBodyBytes ?? MAX_BODY_BYTES;
  if (bytes > most) throw tooLarge(bytes, most);
  const text = isBase64Encoded ? decoded(sent) : sent;
  // Blanks alone, a byte order mark among them, are no body.
  if (lenientBody && !text.trim()) return "{}";
  if (warnsOfDamage && !CHARSET.test(contentType) && text.includes(REPLACEMENT))
    event.damage = "body: holds U+FFFD, as after decoding by a wrong charset: send UTF-8, and name it";
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** @throws ServiceError `invalid` for a type that is no JSON, or a charset that is not UTF-8 */
function checkType(contentType: string): void {
  const mediaType = contentType.split(";")[0]?.trim() ?? "";
  if (mediaType !== "" && !ACCEPTED_TYPES.test(mediaType))
    throw invalid(`content-type: JSON is expected, not ${mediaType.slice(0, 100)}`);
  const charset = CHARSET.exec(contentType)?.[1] ?? "";
  if (!UTF_8.test(charset)) throw invalid(`content-type: UTF-8 is expected, not ${charset.slice(0, 100)}`);
}

function decoded(base64: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("body: not valid UTF-8");
  }
}

/**
 * Names the field of a body that nests too deep. `JSON.parse` itself takes any depth, and drops all but the last of equal
 * names, whose depth the text shows.
 */
function checkDepth(body: unknown, text: string): void {
  for (const [field, value] of fieldsOf(body))
    if (nestsDeeperThan(MAX_LEVELS, value)) throw tooDeep(field.slice(0, 64));
  if (textNestsDeeperThan(MAX_LEVELS + (Array.isArray(body) ? 2 : 1), text)) throw tooDeep("body");
}

/** The fields of a body, or of each body of a batch, by their names. */
function fieldsOf(body: unknown): [string, unknown][] {
  if (!isContainer(body)) return [];
  if (!Array.isArray(body)) return Object.entries(body);
  return body.flatMap((item, index) =>
    Object.entries(isContainer(item) ? item : {}).map(([field, value]): [string, unknown] => [
      `${index}.${field}`,
      value,
    ]),
  );
}

/** A ServiceError for what broken JSON, or a key that the parser refuses, throws; other errors stay. */
function explained(error: unknown): unknown {
  if (error instanceof SyntaxError) return invalid(`body: malformed JSON: ${error.message}`);
  const { package: source, data: key } = ((error as Error).cause ?? {}) as Refusal;
  return source === "@middy/http-json-body-parser" && key !== undefined ? keyRefused(key) : error;
}

function keyRefused(key: string): ServiceError {
  const where = key === "__proto__" ? "" : " with prototype in it";
  return invalid(`body: the key ${key} is not accepted${where}`);
}

function longNumber(field: string): ServiceError {
  return invalid(`${field.slice(0, 64)}: holds a number of more than ${MAX_NUMBER_CHARACTERS} characters`);
}

function tooDeep(field: string): ServiceError {
  return invalid(`${field}: nests deeper than ${MAX_LEVELS} levels`);
}

function tooLarge(bytes: number, most: number): ServiceError {
  return invalid(
    `Request limit exceeded: JSON body size (${bytes} bytes) exceeds maximum allowed size (${most} bytes).`,
  );
}

function invalid(message: string): ServiceError {
  return new ServiceError("invalid", message);
}
