/** A JSON object as it was parsed: plain data, in which a number may be a `JSON.rawJSON` text. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is a JSON object: neither an array nor a number kept as text. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A number token with enough digits, or an exponent large enough, that a double may not hold it. */
const MAY_ROUND = /\d[\d.]{15}|\de[+-]?\d{2}/i;

const significantDigits = (number: string): string =>
  number
    .replace(/e.*$/i, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "");

const exactNumber = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === "number" && source && significantDigits(source) !== significantDigits(String(value))
    ? JSON.rawJSON(source)
    : value;

/** Whether a text may hold a number that `JSON.parse` alone would round. */
export const mayRound = (text: string): boolean => MAY_ROUND.test(text);

/**
 * Parses JSON without rounding: a number that a double cannot hold is kept as the text that was sent, which
 * `JSON.stringify` writes back.
 * @throws SyntaxError when the text is not JSON
 */
export const parseExactly = (text: string): unknown =>
  mayRound(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
