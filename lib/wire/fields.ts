import * as z from "zod/mini";
import { isJsonObject, type JsonObject } from "./exact-json.ts";
import { UUID } from "./ids.ts";

/** The largest body of a request, in bytes: Heat's `max_json_body_size`. */
export const MAX_BODY_BYTES = 1_048_576;

/** A JSON object, taken as it is. What is wrong with it hides nothing that is wrong in other fields. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, {
  error: "a JSON object is expected",
  abort: false,
});

/** The id of a resource in a path, found in either case. One that is no UUID is not found, so any text passes. */
export const idText = z.pipe(
  z.string(),
  z.transform((id) => (UUID.test(id) ? id.toLowerCase() : id)),
);

/** Refuses half a surrogate pair, which UTF-8 cannot hold. */
export const wellFormed = z.refine<string>((text) => text.isWellFormed(), {
  error: "holds a lone surrogate",
});

/** The path of a project's resources. */
export const ProjectPath = z.object({
  project_id: z
    .string()
    .check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "1 to 64 of A-Z a-z 0-9 _ - are expected" })),
});

/** The names of the fields that a request body may have, by its schema; the warning of ignored fields reads it. */
export const knownFields = z.registry<{ fields: string[] }>();

/** The schema of a request body, and the schemas of its fields. */
type Fields<Body> = z.ZodMiniType<Body, unknown> & { shape: object };

/** A text of `min` (0 or 1) to `max` characters, counted in code points as Heat's database counts them. */
export function text(min: 0 | 1, max: number) {
  return z.string().check(
    wellFormed,
    z.refine((value) => value.length >= min, { error: "must not be empty" }),
    // Code points are never more than UTF-16 units, so the costly count is rare.
    z.refine((value) => value.length <= max || [...value].length <= max, {
      error: `is longer than ${max} characters`,
    }),
  );
}

/** A request body whose fields stand at its top level; refuses one whose caller wrapped them in `name`. */
export function flatBody<Body>(name: string, fields: Fields<Body>): z.ZodMiniType<Body, unknown> {
  return z
    .pipe(
      z.custom<unknown>((body) => !isWrapped(body, name), {
        error: `the fields stand at the top level, not inside ${name}`,
      }),
      fields,
    )
    .register(knownFields, { fields: Object.keys(fields.shape) });
}

/** A request body in which null, `""` and `{}` mean the same as leaving a field out. */
export function emptyMeansAbsent<Body>(fields: Fields<Body>): Fields<Body> {
  return Object.assign(z.pipe(z.transform(withoutEmpty), fields), { shape: fields.shape });
}

function isWrapped(body: unknown, name: string): boolean {
  return isJsonObject(body) && Object.keys(body).join() === name && isJsonObject(body[name]);
}

function withoutEmpty(body: unknown): unknown {
  return isJsonObject(body)
    ? Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value)))
    : body;
}

function isEmpty(value: unknown): boolean {
  return value === null || value === "" || (isJsonObject(value) && Object.keys(value).length === 0);
}
