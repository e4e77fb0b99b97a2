import type { MiddlewareObj } from "@middy/core";
import type * as z from "zod/mini";
import type { $ZodRawIssue } from "zod/v4/core";
import { ServiceError } from "../errors.ts";
import type { Access, Answer, EndpointEvent } from "./event.ts";

/** The shapes of one endpoint, what it takes and what it answers, and who may call it. */
export interface Shape<
  Path extends Schema = Schema,
  Query extends Schema = Schema,
  Body extends Schema = Schema,
  Result extends Schema = Schema,
  Batch extends Schema = Schema,
> {
  path?: Path;
  query?: Query;
  /** Absent where the endpoint takes no body; one that is sent all the same is ignored. */
  body?: Body;
  /** The body of many at once, where the endpoint takes an array too. */
  batch?: Batch;
  /** Whether a caller may name the request, so that it is carried out once however often it is sent. */
  idempotent?: true;
  /** Whose body it is: an agent's may have any content type, and none at all is `{}`. */
  bodyOf?: "agent";
  /** What it answers; documentation and tests read it, no request pays for it. Absent for 204. */
  answer?: Result;
  /** The status it answers with, when that is neither 200 nor 204. */
  status?: number;
  access: Access;
}

type Schema = z.ZodMiniType | undefined;

const TYPES: Record<string, string> = { string: "a string", object: "a JSON object", array: "an array" };

/** A value as a message may quote it: short, and on one line. */
const quoted = (value: unknown): string => {
  if (Array.isArray(value)) return "an array";
  const text = JSON.stringify(value) ?? "nothing";
  if (typeof value === "object" && value !== null && !JSON.isRawJSON(value)) return "an object";
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

/** What is wrong with one value, for every rule that the schemas use without words of their own. */
const sentence = (issue: $ZodRawIssue): string => {
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
};

const parsed = (schema: Schema, input: unknown, whole: string): { value?: unknown; wrong: string[] } => {
  if (!schema) return { wrong: [] };
  const result = schema.safeParse(input, { error: sentence });
  if (result.success) return { value: result.data, wrong: [] };
  return { wrong: result.error.issues.map((issue) => `${issue.path.join(".") || whole}: ${issue.message}`) };
};

/** The key by which a caller names a request: 1 to 255 visible ASCII characters. */
const keyOf = (header: string | undefined): { value?: string; wrong: string[] } => {
  if (header === undefined) return { wrong: [] };
  if (/^[!-~]{1,255}$/.test(header)) return { value: header, wrong: [] };
  return { wrong: ["Idempotency-Key: 1 to 255 visible ASCII characters are expected"] };
};

/**
 * Middleware: holds path, query, body and key against the endpoint's shape and leaves what they say in
 * `event.input`.
 * @throws ServiceError `invalid` that names every wrong field, in one message
 */
export const validate = (shape: Shape): MiddlewareObj<EndpointEvent, Answer> => ({
  before: ({ event }) => {
    const path = parsed(shape.path, event.pathParameters ?? {}, "path");
    const query = parsed(shape.query, event.queryStringParameters ?? {}, "query");
    const body = parsed((Array.isArray(event.body) && shape.batch) || shape.body, event.body, "body");
    const key = keyOf(shape.idempotent && event.headers["idempotency-key"]);
    const wrong = [...path.wrong, ...query.wrong, ...body.wrong, ...key.wrong];
    if (wrong.length > 0) throw new ServiceError("invalid", wrong.join("; "));
    event.input = { path: path.value, query: query.value, body: body.value, idempotencyKey: key.value };
  },
});
