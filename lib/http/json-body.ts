import type { MiddlewareObj } from "@middy/core";
import { ServiceError } from "../errors.ts";
import { isContainer, MAX_LEVELS, mayRound, nestsDeeperThan, parseExactly } from "../wire/exact-json.ts";
import type { Answer, EndpointEvent } from "./event.ts";

/** The largest body, in bytes: Heat's `max_json_body_size`. */
const MAX_BODY_BYTES = 1_048_576;

const JSON_TYPES =
  /^(application\/([a-z0-9.+-]+\+)?json|application\/x-www-form-urlencoded|text\/plain|text\/json)$/i;

const invalid = (message: string): ServiceError => new ServiceError("invalid", message);

const checkContentType = (contentType: string | undefined): void => {
  const [mediaType = ""] = (contentType ?? "").split(";");
  if (mediaType.trim() === "" || JSON_TYPES.test(mediaType.trim())) return;
  throw invalid(`content-type: JSON is expected, not ${mediaType.trim().slice(0, 100)}`);
};

const tooLarge = (bytes: number): ServiceError =>
  invalid(
    `Request limit exceeded: JSON body size (${bytes} bytes) exceeds maximum allowed size (${MAX_BODY_BYTES} bytes).`,
  );

const decoded = (base64: string): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("body: not valid UTF-8");
  }
};

/** The body's text; API Gateway hands over in base64 what it does not take for text. */
const textOf = ({ body, isBase64Encoded, headers }: EndpointEvent, lenient: boolean): string => {
  if (lenient && !body?.trim()) return "{}";
  if (!lenient) checkContentType(headers["content-type"]);
  if (!body) throw invalid("body: a JSON object is expected, the body is empty");
  const bytes = Buffer.byteLength(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes > MAX_BODY_BYTES) throw tooLarge(bytes);
  return isBase64Encoded ? decoded(body) : body;
};

/** The fields of a body, or of each body of a batch, by their names. */
const fieldsOf = (body: unknown): [string, unknown][] => {
  if (!isContainer(body)) return [];
  if (!Array.isArray(body)) return Object.entries(body);
  return body.flatMap((one, index) =>
    Object.entries(isContainer(one) ? one : {}).map(([field, value]): [string, unknown] => [
      `${index}.${field}`,
      value,
    ]),
  );
};

const checkDepth = (body: unknown): void => {
  for (const [field, value] of fieldsOf(body)) {
    if (nestsDeeperThan(MAX_LEVELS, value)) {
      throw invalid(`${field.slice(0, 64)}: nests deeper than ${MAX_LEVELS} levels`);
    }
  }
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`body: malformed JSON: ${(error as Error).message}`);
  }
};

/**
 * Middleware: replaces the body's text by its JSON value, whatever JSON-like content type was declared.
 * Numbers keep all their digits, and `__proto__` is a key like others. Everything that cannot be read exactly is
 * `invalid`: another content type, an empty body, one over 1,048,576 bytes, broken UTF-8 or JSON, more than 64 levels.
 * @param lenient takes any content type, and an empty body for `{}`
 */
export const jsonBody = (lenient: boolean): MiddlewareObj<EndpointEvent, Answer> => ({
  before: ({ event }) => {
    const text = textOf(event, lenient);
    const rounded = parsed(text);
    checkDepth(rounded);
    const body = mayRound(text) ? parseExactly(text) : rounded;
    if (JSON.isRawJSON(body)) throw invalid("body: a JSON object is expected, not a number");
    Object.assign(event, { body, isBase64Encoded: false });
  },
});
