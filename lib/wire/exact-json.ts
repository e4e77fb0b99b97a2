/** A JSON object as it was parsed: plain data, in which a number may be a `JSON.rawJSON` text. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is a JSON object: neither an array nor a number kept as text. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * A number with enough digits, or an exponent large enough, that a double may not hold it. What stands before it tells
 * it from the digits of most texts, such as ids.
 */
const MAY_ROUND = /(?:^|[\s[:,])[-+.]*\d(?:[\d.]{15}|[\d.]*e[+-]?\d{2})/i;

const significantDigits = (number: string): string =>
  number
    .replace(/e.*$/i, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "");

const exactNumber = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === "number" && source && significantDigits(source) !== significantDigits(String(value))
    ? JSON.rawJSON(source)
    : value;

/** Whether a text, JSON or a number as people write it, may hold a number that a double would round. */
export const mayRound = (text: string): boolean => MAY_ROUND.test(text);

/**
 * Parses JSON without rounding: a number that a double cannot hold is kept as the text that was sent, which
 * `JSON.stringify` writes back.
 * @throws SyntaxError when the text is not JSON
 */
export const parseExactly = (text: string): unknown =>
  mayRound(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);

/** How deep arrays and objects may nest inside a field. */
export const MAX_LEVELS = 64;

/** Whether a value is an object or an array. */
export const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Whether a value nests deeper than `levels`; walks without recursion, as the value may be hostile. */
export const nestsDeeperThan = (levels: number, value: unknown): boolean => {
  let level = [value].filter(isContainer);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === levels) return true;
    level = level.flatMap((container) => Object.values(container)).filter(isContainer);
  }
  return false;
};
