import * as z from "zod/mini";
import {
  elementsOf,
  isArrayText,
  isJsonObject,
  isObjectText,
  JsonText,
  parseMembers,
  writeJson,
} from "./json/json-text.ts";

/** The largest body of a request, in bytes: Heat's `max_json_body_size`. */
export const MAX_BODY_BYTES = 1_048_576;

/** A UUID, in either case. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The key under which a resource in a response also carries members exactly as they were sent, for clients that need
 * them so (`http/clients/`). JSON does not show it to any other client.
 */
export const AS_SENT = Symbol("as sent");

/** The field names of each request body, by its schema; the warning of ignored fields reads them. */
export const knownFields = z.registry<{ fields: string[] }>();

/** A UUID in a response. */
export const uuidText = documented(z.string(), { format: "uuid" });

/** A time in a response: ISO 8601 in UTC, whole seconds. */
export const timeText = documented(z.string(), { format: "date-time" });

/** The id of a resource in a path, in either case. Any text passes: an id that is no UUID is not found later. */
export const idText = documented(z.pipe(z.string(), z.transform(knownId)), {
  format: "uuid",
  description: "The id that the service gave it, in either case.",
});

/** An id as it is stored: a UUID in lower case, any other text as it is. */
export function knownId(id: string): string {
  return UUID.test(id) ? id.toLowerCase() : id;
}

/** The path of a project's resources. */
export const ProjectPath = z.object({
  project_id: documented(
    z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "1 to 64 of A-Z a-z 0-9 _ - are expected" })),
    { description: "The project: the one that the token is for." },
  ),
});

/** The check that a text has no lone surrogate, which UTF-8 cannot encode. */
export const wellFormed = z.refine<string>((text) => text.isWellFormed(), {
  error: "holds a lone surrogate",
});

/** The most rows of a page. A larger `limit` counts as this one, and the page links to the next. */
const MAX_LIMIT = 1_000;

const NOT_AN_INTEGER = "Only integer is acceptable by 'limit'.";

/** The query parameter for the length of a page: a text in, a number of rows out. Its errors are in Heat's words. */
export const limit = documented(
  z.pipe(
    z.string().check(
      z.regex(/^[+-]?\d+$/, { error: NOT_AN_INTEGER, abort: true }),
      z.refine((value) => !/^-0*[1-9]/.test(value), {
        error: ({ input }) =>
          `Value '${String(input).slice(0, 40)}' is invalid for 'limit' which only accepts non-negative integer.`,
        abort: true,
      }),
      z.refine((value) => Number(value) !== 0, { error: `1 to ${MAX_LIMIT} is expected` }),
    ),
    z.transform((value) => Math.min(Number(value), MAX_LIMIT)),
  ),
  {
    description: `How many at most; more than ${MAX_LIMIT} counts as ${MAX_LIMIT}.`,
    override: { type: "integer", minimum: 1, pattern: undefined },
  },
);

/** The query parameter for the id after which a list begins. */
export const marker = documented(z.string().check(z.regex(UUID, { error: "a UUID is expected" })), {
  description: "Goes on behind this id, which need not be there any more.",
  format: "uuid",
  override: { pattern: undefined },
});

/** The query of a list in pages. */
export const PageQuery = z.object({ limit: z.optional(limit), marker: z.optional(marker) });

/** The link to a list's next page, in the form that the SDKs' pagers follow; absent on the last page. */
export const NextLinks = z.optional(
  z.array(
    documented(z.object({ rel: z.literal("next"), href: documented(z.string(), { format: "uri" }) }), {
      id: "NextLink",
      description: "Where a list goes on that did not fit; absent at its end.",
    }),
  ),
);

/** The schema of a request body, and the schemas of its fields. */
type Fields<Body> = z.ZodMiniType<Body, unknown> & { shape: object };

/** Whether a text can be the id of a stored resource: a UUID in lower case. */
export function isId(text: string): boolean {
  return UUID.test(text) && text === text.toLowerCase();
}

/**
 * Adds to a shape what the API's document cannot derive from its checks: JSON Schema keywords and descriptions.
 * Validation reads none of it.
 * @param keywords `id` names a schema that the document holds once
 * @returns the same shape object: used in several places, it has the same keywords in all of them
 */
export function documented<Shape extends z.ZodMiniType>(
  shape: Shape,
  keywords: Record<string, unknown>,
): Shape {
  z.globalRegistry.add(shape, { ...z.globalRegistry.get(shape), ...keywords });
  return shape;
}

/** A shape for a JSON object, as its text. A fault in it does not hide the faults of other fields. */
export function jsonObject() {
  const object = z.custom<JsonText>((value) => value instanceof JsonText && value.text.startsWith("{"), {
    error: "a JSON object is expected",
    abort: false,
  });
  const shape = z.pipe(
    z.transform((value) => (isJsonObject(value) ? new JsonText(writeJson(value)) : value)),
    object,
  );
  return documented(shape, { type: "object", additionalProperties: true });
}

/** A shape for a JSON object of a response. */
export function shownObject() {
  return documented(z.custom<object>(), { type: "object", additionalProperties: true });
}

/** A shape for any JSON value, as its text. */
export function jsonValue() {
  return z.pipe(z.transform(toText), z.custom<JsonText>());
}

/** A shape for a text of `min` (0 or 1) to `max` characters, counted in code points as Heat's database counts them. */
export function text(min: 0 | 1, max: number) {
  const shape = z.string().check(
    wellFormed,
    // Code points are never more than UTF-16 units, so the costly count is rare.
    z.refine((value) => value.length >= min && (value.length <= max || [...value].length <= max), {
      error: ({ input }) => (input === "" ? "must not be empty" : `is longer than ${max} characters`),
    }),
  );
  return documented(shape, { ...(min && { minLength: min }), maxLength: max });
}

/**
 * A shape for a list whose length is checked before any of its members.
 * @param error the message for another length
 */
export function list<Member>(member: z.ZodMiniType<Member, unknown>, min: 0 | 1, max: number, error: string) {
  const counted = z.transform((sent: unknown, { issues }) => {
    const value = sent instanceof JsonText && isArrayText(sent.text) ? elementsOf(sent.text) : sent;
    if (!Array.isArray(value)) return value;
    if (value.length < min || value.length > max)
      issues.push({ code: "custom", message: error, input: value });
    return value === sent ? value : value.map(parseElement);
  });
  const members = documented(z.array(member), { ...(min && { minItems: min }), maxItems: max });
  return z.pipe(counted, members);
}

/** A shape for a request body with its fields at the top level; a body that wraps them in `name` is rejected. */
export function flatBody<Body>(name: string, fields: Fields<Body>): z.ZodMiniType<Body, unknown> {
  const flat = z.transform((body: unknown, { issues }) => {
    const message = `the fields stand at the top level, not inside ${name}`;
    const isWrapped = isJsonObject(body) && Object.keys(body).join() === name && isObject(body[name]);
    if (isWrapped) issues.push({ code: "custom", message, input: body });
    return body;
  });
  const wrapped = { required: [name], maxProperties: 1, properties: { [name]: { type: "object" } } };
  return documented(z.pipe(flat, fields), { not: wrapped }).register(knownFields, {
    fields: Object.keys(fields.shape),
  });
}

/** A shape for a request body in which null, `""` and `{}` mean the same as leaving the field out. */
export function emptyMeansAbsent<Body>(fields: Fields<Body>): Fields<Body> {
  const shape = documented(z.pipe(z.transform(withoutEmpty), fields), { emptyMeansAbsent: true });
  return Object.assign(shape, { shape: fields.shape });
}

function isObject(value: unknown): boolean {
  return value instanceof JsonText ? isObjectText(value.text) : isJsonObject(value);
}

function toText(value: unknown): unknown {
  return value === undefined || value instanceof JsonText ? value : new JsonText(writeJson(value));
}

function parseElement(text: string): unknown {
  return isObjectText(text) ? parseMembers(text) : JSON.parse(text);
}

function withoutEmpty(body: unknown): unknown {
  return isJsonObject(body)
    ? Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value)))
    : body;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === "") return true;
  if (value instanceof JsonText) return value.text === "{}";
  return isJsonObject(value) && Object.keys(value).length === 0;
}
