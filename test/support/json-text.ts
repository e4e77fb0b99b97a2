import { JsonText } from "../../lib/json/json-text.ts";

/** A value as its text. */
export const textOf = (value: unknown): JsonText => new JsonText(JSON.stringify(value));
