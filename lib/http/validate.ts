import type { MiddlewareObj } from "@middy/core";
import type * as z from "zod/mini";
import type { $ZodRawIssue } from "zod/v4/core";
import { ServiceError } from "../errors.ts";
import type { Answer, EndpointEvent } from "./endpoint.ts";

/** The shapes of one endpoint: what it takes and what it answers. */
export interface Shape<Path extends z.ZodMiniType, Body extends z.ZodMiniType, Result extends z.ZodMiniType> {
  path: Path;
  /** Absent where the endpoint takes no body. */
  body?: Body;
  /** What it answers with 200; documentation and tests read it, no request pays for it. */
  answer: Result;
}

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
      ? `required, ${expected}`
      : `${expected} is expected, not ${quoted(issue.input)}`;
  }
  return "not valid";
};

const parsed = (
  schema: z.ZodMiniType,
  input: unknown,
  whole: string,
): { value?: unknown; wrong: string[] } => {
  const result = schema.safeParse(input, { error: sentence });
  if (result.success) return { value: result.data, wrong: [] };
  return { wrong: result.error.issues.map((issue) => `${issue.path.join(".") || whole}: ${issue.message}`) };
};

/**
 * Middleware: holds path and body against the endpoint's shape and leaves what they say in `event.input`.
 * @throws ServiceError `invalid` that names every wrong field, in one message
 */
export const validate = (
  shape: Pick<Shape<z.ZodMiniType, z.ZodMiniType, z.ZodMiniType>, "path" | "body">,
): MiddlewareObj<EndpointEvent, Answer> => ({
  before: ({ event }) => {
    const path = parsed(shape.path, event.pathParameters ?? {}, "path");
    const body = shape.body ? parsed(shape.body, event.body, "body") : { wrong: [] };
    const wrong = [...path.wrong, ...body.wrong];
    if (wrong.length > 0) throw new ServiceError("invalid", wrong.join("; "));
    event.input = { path: path.value, body: body.value };
  },
});
