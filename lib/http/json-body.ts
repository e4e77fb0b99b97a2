import type { Request } from "@middy/core";
import httpJsonBodyParser from "@middy/http-json-body-parser";
import { ServiceError } from "../errors.ts";
import {
  holdsLongNumber,
  isContainer,
  MAX_LEVELS,
  MAX_NUMBER_CHARACTERS,
  mayDiffer,
  nestsDeeperThan,
  parseExactly,
  textNestsDeeperThan,
} from "../json/exact-json.ts";
import { MAX_BODY_BYTES } from "../shapes.ts";
import type { EndpointEvent, GatewayResponse, Middleware } from "./event.ts";

/** Media types whose body is read as JSON: also those that curl and some clients send where nothing is said. */
const ACCEPTED_TYPES =
  /^(application\/([a-z0-9.+-]+\+)?json|application\/x-www-form-urlencoded|text\/plain|text\/json)$/i;

/**
 * Middlewares: replace a body's text by its JSON value, whatever JSON-like content type was declared, or none. Numbers
 * keep all their digits. What cannot be read exactly is `invalid`: another content type, an empty body, one over
 * `MAX_BODY_BYTES`, broken UTF-8 or JSON, more than `MAX_LEVELS`, a key that could pollute a prototype.
 * @param lenient takes any content type, and an empty body for `{}`
 */
export function jsonBody(lenient: boolean): Middleware[] {
  const parser = httpJsonBodyParser({ disableContentTypeCheck: true }) as Middleware;
  return [readText(lenient), parser, restoreNumbers, { onError: explainRefusal }];
}

/** Before the parser: decodes the text and checks type, size and depth, as the parser would overflow the stack. */
function readText(lenient: boolean): Middleware {
  return {
    before: ({ event }) => {
      const text = textOf(event, lenient);
      // The body itself is one level; each field may have MAX_LEVELS.
      if (textNestsDeeperThan(MAX_LEVELS + 1, text)) checkDepth(text);
      Object.assign(event, { body: text, bodyText: text, isBase64Encoded: false });
    },
  };
}

/** Behind the parser, whose numbers are doubles: parses a text again, exactly, where one of them may differ. */
const restoreNumbers: Middleware = {
  before: ({ event }) => {
    if (!mayDiffer(event.bodyText)) return;
    event.body = parseExactly(event.bodyText);
    const [field] = fieldsOf(event.body).find(([, value]) => holdsLongNumber(value)) ?? [];
    if (field !== undefined) {
      throw invalid(`${field.slice(0, 64)}: holds a number of more than ${MAX_NUMBER_CHARACTERS} characters`);
    }
    // A number that is kept as text is an object to the schemas.
    if (JSON.isRawJSON(event.body)) throw invalid("body: a JSON object is expected, not a number");
  },
};

/** The body's text; API Gateway hands over in base64 what it does not take for text. */
function textOf({ body, isBase64Encoded, headers }: EndpointEvent, lenient: boolean): string {
  const text = typeof body === "string" ? body : "";
  if (lenient && !text.trim()) return "{}";
  const [mediaType = ""] = (headers["content-type"] ?? "").split(";");
  if (!lenient && mediaType.trim() !== "" && !ACCEPTED_TYPES.test(mediaType.trim()))
    throw invalid(`content-type: JSON is expected, not ${mediaType.trim().slice(0, 100)}`);
  if (!text) throw invalid("body: a JSON object is expected, the body is empty");
  const bytes = Buffer.byteLength(text, isBase64Encoded ? "base64" : "utf8");
  if (bytes > MAX_BODY_BYTES) throw tooLarge(bytes);
  return isBase64Encoded ? decoded(text) : text;
}

function decoded(base64: string): string {
  try {
    // A byte order mark stays in the text, where the parser refuses it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("body: not valid UTF-8");
  }
}

/** Names the field of a body that nests too deep. `JSON.parse` itself takes any depth. */
function checkDepth(text: string): void {
  for (const [field, value] of fieldsOf(parsedJson(text))) {
    if (nestsDeeperThan(MAX_LEVELS, value)) {
      throw invalid(`${field.slice(0, 64)}: nests deeper than ${MAX_LEVELS} levels`);
    }
  }
}

/** The fields of a body, or of each body of a batch, by their names. */
function fieldsOf(body: unknown): [string, unknown][] {
  if (!isContainer(body)) return [];
  if (!Array.isArray(body)) return Object.entries(body);
  return body.flatMap((one, index) =>
    Object.entries(isContainer(one) ? one : {}).map(([field, value]): [string, unknown] => [
      `${index}.${field}`,
      value,
    ]),
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : "it cannot be read");
  }
}

/** What the parser's errors carry: for broken JSON the message of `JSON.parse`, else the key that was refused. */
interface Refusal {
  package?: string;
  message?: string;
  data?: string;
}

/** Turns an error of the body parser into a ServiceError, and leaves others alone. */
function explainRefusal(request: Request<EndpointEvent, GatewayResponse>): void {
  const { package: source, message, data: key } = (request.error?.cause ?? {}) as Refusal;
  if (source !== "@middy/http-json-body-parser") return;
  if (message !== undefined) request.error = malformed(message);
  else if (key === "__proto__") request.error = invalid("body: the key __proto__ is not accepted");
  else request.error = invalid(`body: the key ${key} is not accepted with prototype in it`);
}

function malformed(message: string): ServiceError {
  return invalid(`body: malformed JSON: ${message}`);
}

function tooLarge(bytes: number): ServiceError {
  return invalid(
    `Request limit exceeded: JSON body size (${bytes} bytes) exceeds maximum allowed size (${MAX_BODY_BYTES} bytes).`,
  );
}

function invalid(message: string): ServiceError {
  return new ServiceError("invalid", message);
}
