/** A JSON object as it was parsed: plain data, in which a number may be a `JSON.rawJSON` text. */
export type JsonObject = Record<string, unknown>;

/** How deep arrays and objects may nest inside a field. */
export const MAX_LEVELS = 64;

/**
 * A number with enough digits, or an exponent large enough, that a double may not hold it. What stands before it tells
 * it from the digits of most texts, such as ids.
 */
const MAY_ROUND = /(?:^|[\s[:,])[-+.]*\d(?:[\d.]{15}|[\d.]*e[+-]?\d{2})/i;

/**
 * Parses JSON without rounding: a number that a double cannot hold is kept as the text that was sent, which
 * `JSON.stringify` writes back.
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactly(text: string): unknown {
  return mayRound(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
}

/** Whether a text, JSON or a number as people write it, may hold a number that a double would round. */
export function mayRound(text: string): boolean {
  return MAY_ROUND.test(text);
}

/** Whether a parsed value is a JSON object: neither an array nor a number kept as text. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** A value as text: anything but a text is its JSON. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether a value is an object or an array. */
export function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value nests deeper than `levels`. Walks without recursion, as the value may be hostile. */
export function nestsDeeperThan(levels: number, value: unknown): boolean {
  let level = [value].filter(isContainer);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === levels) return true;
    level = level.flatMap((container) => Object.values(container)).filter(isContainer);
  }
  return false;
}

/** Whether a JSON text nests deeper than `levels`, by one look at its characters: before anything parses it. */
export function textNestsDeeperThan(levels: number, text: string): boolean {
  const opened = text.match(/[[{]/g)?.length ?? 0;
  return opened > levels && deepest(text) > levels;
}

/** How deep a JSON text nests; brackets inside strings do not count. */
function deepest(text: string): number {
  let [level, most] = [0, 0];
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString && character === "\\") at += 1;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === "[" || character === "{") most = Math.max(most, ++level);
    else if (character === "]" || character === "}") level -= 1;
  }
  return most;
}

function exactNumber(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === "number" && source && significantDigits(source) !== significantDigits(String(value))
    ? JSON.rawJSON(source)
    : value;
}

function significantDigits(number: string): string {
  return number
    .replace(/e.*$/i, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "");
}
