import * as z from "zod/mini";
import { isJsonObject, type JsonObject } from "./json/exact-json.ts";

/** A UUID, in either case. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The largest body of a request, in bytes: Heat's `max_json_body_size`. */
export const MAX_BODY_BYTES = 1_048_576;

/** Whether a text can be the id of a stored resource: a UUID in lower case. */
export function isId(text: string): boolean {
  return UUID.test(text) && text === text.toLowerCase();
}

/**
 * The key of members that a resource shows to clients which need them as they were sent, to the letter, in place of those
 * that it shows to all others. Nothing else sees them.
 */
export const AS_SENT = Symbol("as sent");

/**
 * Says of a shape what the API's document is to say: JSON Schema's keywords, where the shape's own checks do not tell,
 * and words. Validation reads none of it.
 * @param keywords `id` names a schema that the document keeps once
 * @returns the same shape: one that is used in several places says the same in all
 */
export function documented<Shape extends z.ZodMiniType>(
  shape: Shape,
  keywords: Record<string, unknown>,
): Shape {
  z.globalRegistry.add(shape, { ...z.globalRegistry.get(shape), ...keywords });
  return shape;
}

/** A JSON object, taken as it is. What is wrong with it hides nothing that is wrong in other fields. */
export function jsonObject() {
  const shape = z.custom<JsonObject>(isJsonObject, { error: "a JSON object is expected", abort: false });
  return documented(shape, { type: "object", additionalProperties: true });
}

/** A UUID in a response. */
export const uuidText = documented(z.string(), { format: "uuid" });

/** A time in a response: ISO 8601 in UTC, whole seconds. */
export const timeText = documented(z.string(), { format: "date-time" });

/** The id of a resource in a path, found in either case. One that is no UUID is not found, so any text passes. */
export const idText = documented(
  z.pipe(
    z.string(),
    z.transform((id) => (UUID.test(id) ? id.toLowerCase() : id)),
  ),
  { format: "uuid", description: "The id that the service gave it, in either case." },
);

/** Refuses half a surrogate pair, which UTF-8 cannot hold. */
export const wellFormed = z.refine<string>((text) => text.isWellFormed(), {
  error: "holds a lone surrogate",
});

/** The most rows of a page: who asks for more gets these, and a link on. */
const MAX_LIMIT = 1_000;

const NOT_AN_INTEGER = "Only integer is acceptable by 'limit'.";

/** How long a page may be: a text, as a query holds it. Its errors are in Heat's words. */
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

/** The id behind which a list begins. */
export const marker = documented(z.string().check(z.regex(UUID, { error: "a UUID is expected" })), {
  description: "Goes on behind this id, which need not be there any more.",
  format: "uuid",
  override: { pattern: undefined },
});

/** Where a list begins and how long it may be. */
export const PageQuery = z.object({ limit: z.optional(limit), marker: z.optional(marker) });

/** Where a list goes on, if it does, in a form that the SDKs' pagers follow. */
export const NextLinks = z.optional(
  z.array(
    documented(z.object({ rel: z.literal("next"), href: documented(z.string(), { format: "uri" }) }), {
      id: "NextLink",
      description: "Where a list goes on that did not fit; absent at its end.",
    }),
  ),
);

/** The path of a project's resources. */
export const ProjectPath = z.object({
  project_id: documented(
    z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "1 to 64 of A-Z a-z 0-9 _ - are expected" })),
    { description: "The project: the one that the token is for." },
  ),
});

/** The names of the fields that a request body may have, by its schema; the warning of ignored fields reads it. */
export const knownFields = z.registry<{ fields: string[] }>();

/** The schema of a request body, and the schemas of its fields. */
type Fields<Body> = z.ZodMiniType<Body, unknown> & { shape: object };

/** A text of `min` (0 or 1) to `max` characters, counted in code points as Heat's database counts them. */
export function text(min: 0 | 1, max: number) {
  const shape = z.string().check(
    wellFormed,
    z.minLength(min, { error: "must not be empty" }),
    // Code points are never more than UTF-16 units, so the costly count is rare.
    z.refine((value) => value.length <= max || [...value].length <= max, {
      error: `is longer than ${max} characters`,
    }),
  );
  return documented(shape, { ...(min && { minLength: min }), maxLength: max });
}

/** A list whose length is looked at before any of its members is. @param error what is said of another length */
export function list<One>(one: z.ZodMiniType<One, unknown>, min: 0 | 1, max: number, error: string) {
  const counted = z.transform((value: unknown, { issues }) => {
    if (Array.isArray(value) && (value.length < min || value.length > max))
      issues.push({ code: "custom", message: error, input: value });
    return value;
  });
  const members = documented(z.array(one), { ...(min && { minItems: min }), maxItems: max });
  return z.pipe(counted, members);
}

/** A request body whose fields stand at its top level; refuses one whose caller wrapped them in `name`. */
export function flatBody<Body>(name: string, fields: Fields<Body>): z.ZodMiniType<Body, unknown> {
  const flat = z.transform((body: unknown, { issues }) => {
    const message = `the fields stand at the top level, not inside ${name}`;
    const isWrapped = isJsonObject(body) && Object.keys(body).join() === name && isJsonObject(body[name]);
    if (isWrapped) issues.push({ code: "custom", message, input: body });
    return body;
  });
  const wrapped = { required: [name], maxProperties: 1, properties: { [name]: { type: "object" } } };
  return documented(z.pipe(flat, fields), { not: wrapped }).register(knownFields, {
    fields: Object.keys(fields.shape),
  });
}

/** A request body in which null, `""` and `{}` mean the same as leaving a field out. */
export function emptyMeansAbsent<Body>(fields: Fields<Body>): Fields<Body> {
  const shape = documented(z.pipe(z.transform(withoutEmpty), fields), { emptyMeansAbsent: true });
  return Object.assign(shape, { shape: fields.shape });
}

function withoutEmpty(body: unknown): unknown {
  return isJsonObject(body)
    ? Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value)))
    : body;
}

function isEmpty(value: unknown): boolean {
  return value === null || value === "" || (isJsonObject(value) && Object.keys(value).length === 0);
}
