import type { $ZodRawIssue } from "zod/v4/core";
import { ServiceError } from "../errors.ts";
import { isArrayText, isObjectText, writeJson } from "../json/json-text.ts";
import { type EndpointEvent, type Middleware, queryOf } from "./event.ts";
import { readJsonBody } from "./json-body.ts";
import type { EndpointSpec, Schema } from "./spec.ts";

/** An idempotency key: visible ASCII characters. */
export const IDEMPOTENCY_KEY = /^[!-~]{1,255}$/;

/** The most faults that one response names. */
const MAX_FAULTS = 20;

/** The names of types in messages. */
const TYPES: Record<string, string> = { string: "a string", object: "a JSON object", array: "an array" };

/**
 * Middleware: validates path, query, body and idempotency key by the endpoint's shapes. The parsed values are in
 * `event.input`.
 * @throws ServiceError `invalid` with one message that names every wrong field
 */
export function validate(spec: EndpointSpec): Middleware[] {
  const body = spec.lateBody ? undefined : spec.body;
  if (!spec.path && !spec.query && !body) return [];
  const before: Middleware["before"] = ({ event }) => {
    const path = parsed(spec.path, event.pathParameters ?? {}, "path");
    const query = parsed(spec.query, spec.query && queryOf(event), "query");
    const checked = parsed(body && ((Array.isArray(event.body) && spec.batch) || body), event.body, "body");
    const wrong = [...path.wrong, ...query.wrong, ...checked.wrong];
    const idempotencyKey = spec.idempotent && event.headers["idempotency-key"];
    if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey))
      wrong.push("Idempotency-Key: 1 to 255 visible ASCII characters are expected");
    if (wrong.length > 0) throw new ServiceError("invalid", summary(wrong));
    event.input = { path: path.value, query: query.value, body: checked.value, idempotencyKey };
  };
  return [{ before }];
}

/**
 * Reads and checks a body that the chain has left to its endpoint.
 * @throws ServiceError `invalid` as `readJsonBody` does, and with every wrong field
 */
export async function lateBody(spec: EndpointSpec, event: EndpointEvent): Promise<unknown> {
  readJsonBody(event, spec);
  const { value, wrong } = parsed(spec.body, event.body, "body");
  if (wrong.length > 0) throw new ServiceError("invalid", summary(wrong));
  return value;
}

/** The first faults, and how many more there are. */
function summary(wrong: string[]): string {
  const more = wrong.length - MAX_FAULTS;
  const named = wrong.slice(0, MAX_FAULTS).join("; ");
  return more > 0 ? `${named}; and ${more} more` : named;
}

/** The parsed input and its faults. @param whole the name of the input, for faults that are not of one field */
function parsed(schema: Schema, input: unknown, whole: string): { value?: unknown; wrong: string[] } {
  if (!schema) return { wrong: [] };
  const result = schema.safeParse(input, { error: sentence });
  if (result.success) return { value: result.data, wrong: [] };
  return { wrong: result.error.issues.map((issue) => `${issue.path.join(".") || whole}: ${issue.message}`) };
}

/** The message for one wrong value, for rules of the schemas without a message. */
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

/** A value as a message quotes it: short, on one line. */
function quoted(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = writeJson(value);
  if (isArrayText(text)) return "an array";
  if (isObjectText(text)) return "an object";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
