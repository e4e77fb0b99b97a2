import type { Request } from "@middy/core";
import httpJsonBodyParser from "@middy/http-json-body-parser";
import { ServiceError } from "../errors.ts";
import {
  isContainer,
  MAX_LEVELS,
  mayRound,
  nestsDeeperThan,
  parseExactly,
  textNestsDeeperThan,
} from "../wire/exact-json.ts";
import type { EndpointEvent, GatewayResponse, Middleware } from "./event.ts";

/** The largest body, in bytes: Heat's `max_json_body_size`. */
const MAX_BODY_BYTES = 1_048_576;

const JSON_TYPES =
  /^(application\/([a-z0-9.+-]+\+)?json|application\/x-www-form-urlencoded|text\/plain|text\/json)$/i;

/**
 * Middlewares: replace a body's text by its JSON value, whatever JSON-like content type was declared. Numbers keep all
 * their digits. Everything that cannot be read exactly is `invalid`: another content type, an empty body, one over
 * 1,048,576 bytes, broken UTF-8 or JSON, more than 64 levels, a key that could pollute a prototype.
 * @param lenient takes any content type, and an empty body for `{}`
 */
export function jsonBody(lenient: boolean): Middleware[] {
  const parser = httpJsonBodyParser({ disableContentTypeCheck: true }) as Middleware;
  return [readText(lenient), parser, restoreNumbers];
}

/** Before the parser: reads the text, and refuses one that the parser would overflow on. Behind it: says what it refused. */
function readText(lenient: boolean): Middleware {
  return {
    before: ({ event }) => {
      const text = textOf(event, lenient);
      // One level for the body; a field's value may nest as deep as it says.
      if (textNestsDeeperThan(MAX_LEVELS + 1, text)) checkDepth(text);
      Object.assign(event, { body: text, bodyText: text, isBase64Encoded: false });
    },
    onError: explainRefusal,
  };
}

/** Behind the parser: reads a text with numbers that it rounded once more, exactly. */
const restoreNumbers: Middleware = {
  before: ({ event }) => {
    if (mayRound(event.bodyText)) event.body = parseExactly(event.bodyText);
    if (JSON.isRawJSON(event.body)) throw invalid("body: a JSON object is expected, not a number");
  },
};

/** The body's text; API Gateway hands over in base64 what it does not take for text. */
function textOf({ body, isBase64Encoded, headers }: EndpointEvent, lenient: boolean): string {
  const text = typeof body === "string" ? body : "";
  if (lenient && !text.trim()) return "{}";
  if (!lenient) checkContentType(headers["content-type"]);
  if (!text) throw invalid("body: a JSON object is expected, the body is empty");
  const bytes = Buffer.byteLength(text, isBase64Encoded ? "base64" : "utf8");
  if (bytes > MAX_BODY_BYTES) throw tooLarge(bytes);
  return isBase64Encoded ? decoded(text) : text;
}

function checkContentType(contentType: string | undefined): void {
  const [mediaType = ""] = (contentType ?? "").split(";");
  if (mediaType.trim() === "" || JSON_TYPES.test(mediaType.trim())) return;
  throw invalid(`content-type: JSON is expected, not ${mediaType.trim().slice(0, 100)}`);
}

function decoded(base64: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw invalid("body: not valid UTF-8");
  }
}

/** Names the field of a body that nests too deep. `JSON.parse` itself takes any depth. */
function checkDepth(text: string): void {
  for (const [field, value] of fieldsOf(parsed(text))) {
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

/** What the parser's errors carry: for broken JSON the message of `JSON.parse`, else the key that was refused. */
interface Refusal {
  package?: string;
  message?: string;
  data?: string;
}

/** Makes the parser's error, where it is one, ours. */
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
