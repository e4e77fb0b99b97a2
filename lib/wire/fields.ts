import * as z from "zod/mini";
import { isJsonObject, type JsonObject } from "./exact-json.ts";

/** A JSON object, taken as it is; what is wrong with it hides nothing that is wrong beside it. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, {
  error: "a JSON object is expected",
  abort: false,
});

/** Refuses half a surrogate pair, which UTF-8 cannot hold. */
export const wellFormed = z.refine<string>((text) => text.isWellFormed(), {
  error: "holds a lone surrogate",
});

/** A text of `min` (0 or 1) to `max` characters, counted in code points as Heat's database counts them. */
export const text = (min: 0 | 1, max: number) =>
  z.string().check(
    wellFormed,
    z.refine((value) => value.length >= min, { error: "must not be empty" }),
    // Code points are never more than UTF-16 units, so the costly count is rare.
    z.refine((value) => value.length <= max || [...value].length <= max, {
      error: `is longer than ${max} characters`,
    }),
  );

/** The path below which a project's resources stand. */
export const ProjectPath = z.object({
  project_id: z
    .string()
    .check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "1 to 64 of A-Z a-z 0-9 _ - are expected" })),
});

const isWrapped = (body: unknown, name: string): boolean =>
  isJsonObject(body) && Object.keys(body).join() === name && isJsonObject(body[name]);

/** The names of the fields that a request body may have; others are ignored, and the caller is told so. */
export const knownFields = z.registry<{ fields: string[] }>();

/** The fields of a request body, and their names. */
type Fields<Body> = z.ZodMiniType<Body, unknown> & { shape: object };

/** A request body whose fields stand at its top level; says so to a caller who wrapped them in `name`. */
export const flat = <Body>(name: string, fields: Fields<Body>): z.ZodMiniType<Body, unknown> =>
  z
    .pipe(
      z.custom<unknown>((body) => !isWrapped(body, name), {
        error: `the fields stand at the top level, not inside ${name}`,
      }),
      fields,
    )
    .register(knownFields, { fields: Object.keys(fields.shape) });

const isEmpty = (value: unknown): boolean =>
  value === null || value === "" || (isJsonObject(value) && Object.keys(value).length === 0);

const withoutEmpty = (body: unknown): unknown =>
  isJsonObject(body) ? Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value))) : body;

/** A request body in which null, `""` and `{}` mean the same as leaving a field out. */
export const emptyMeansLeave = <Body>(fields: Fields<Body>): Fields<Body> =>
  Object.assign(z.pipe(z.transform(withoutEmpty), fields), { shape: fields.shape });

const NOT_AN_INTEGER = "Only integer is acceptable by 'limit'.";

/** How long a page may be: a text, as a query holds it, in Heat's words where it is wrong. */
const limit = z.pipe(
  z.string().check(
    z.regex(/^[+-]?\d+$/, { error: NOT_AN_INTEGER, abort: true }),
    z.refine((value) => !/^-0*[1-9]/.test(value), {
      error: ({ input }) =>
        `Value '${input}' is invalid for 'limit' which only accepts non-negative integer.`,
    }),
  ),
  z.transform(Number),
);

/** The same, from 1 to `most`. */
export const pageLimit = (most: number) =>
  z.pipe(
    limit,
    z
      .number()
      .check(
        z.gte(1, { error: `1 to ${most} is expected` }),
        z.lte(most, { error: `1 to ${most} is expected` }),
      ),
  );

/** The id behind which a list begins. */
export const marker = z
  .string()
  .check(z.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, { error: "a UUID is expected" }));

/** Where a list begins and how long it may be. */
export const PageQuery = z.object({ limit: z.optional(limit), marker: z.optional(marker) });

/** The answer of a list: where it goes on, if it does (the SDKs follow it). */
export const nextLinks = z.optional(z.array(z.object({ rel: z.literal("next"), href: z.string() })));
