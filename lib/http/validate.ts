import type { $ZodRawIssue } from "zod/v4/core";
import { ServiceError } from "../errors.ts";
import { type Middleware, queryOf } from "./event.ts";
import type { EndpointSpec, Schema } from "./spec.ts";

/** An idempotency key: visible ASCII characters. */
export const IDEMPOTENCY_KEY = /^[!-~]{1,255}$/;

/** How many faults of a request are named. */
const MAX_FAULTS = 20;

/** Type names of the schemas, as messages name them. */
const TYPES: Record<string, string> = { string: "a string", object: "a JSON object", array: "an array" };

/**
 * Middleware: checks path, query, body and idempotency key by the endpoint's shapes and leaves what they say in
 * `event.input`.
 * @throws ServiceError `invalid` that names every wrong field, in one message
 */
export function validate(spec: EndpointSpec): Middleware[] {
  if (!spec.path && !spec.query && !spec.body) return [];
  const before: Middleware["before"] = ({ event }) => {
    const path = parsed(spec.path, event.pathParameters ?? {}, "path");
    const query = parsed(spec.query, spec.query && queryOf(event), "query");
    const body = parsed((Array.isArray(event.body) && spec.batch) || spec.body, event.body, "body");
    const wrong = [...path.wrong, ...query.wrong, ...body.wrong];
    const idempotencyKey = spec.idempotent && event.headers["idempotency-key"];
    if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey))
      wrong.push("Idempotency-Key: 1 to 255 visible ASCII characters are expected");
    if (wrong.length > 0) throw new ServiceError("invalid", summary(wrong));
    event.input = { path: path.value, query: query.value, body: body.value, idempotencyKey };
  };
  return [{ before }];
}

/** The first faults, and how many more there are. */
function summary(wrong: string[]): string {
  const more = wrong.length - MAX_FAULTS;
  const named = wrong.slice(0, MAX_FAULTS).join("; ");
  return more > 0 ? `${named}; and ${more} more` : named;
}

/** Parses an input by its schema, and says what is wrong with it. @param whole the name of the input, for what is wrong with all of it */
function parsed(schema: Schema, input: unknown, whole: string): { value?: unknown; wrong: string[] } {
  if (!schema) return { wrong: [] };
  const result = schema.safeParse(input, { error: sentence });
  if (result.success) return { value: result.data, wrong: [] };
  return { wrong: result.error.issues.map((issue) => `${issue.path.join(".") || whole}: ${issue.message}`) };
}

/** What is wrong with one value, for the rules that the schemas use without words of their own. */
function sentence(issue: $ZodRawIssue): string {
  if (issue.code === "invalid_value") {
    return `one of ${issue.values.join(", ")} is expected, not ${quoted(issue.input)}`;
  }
  if (issue.code === "invalid_type") {
    const expected = TYPES[issue.expected] ?? issue.expected;
    return issue.input === undefined
      ? `${expected} is required`
      : `${expected} is expected, not ${quoted(issue.input)}`;
  }
  if (issue.code === "unrecognized_keys") return `unknown: ${issue.keys.join(", ").slice(0, 200)}`;
  return "not valid";
}

/** A value as a message may quote it: short, and on one line. */
function quoted(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  const text = JSON.stringify(value) ?? "nothing";
  if (typeof value === "object" && value !== null && !JSON.isRawJSON(value)) return "an object";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
