/** A JSON object as it was parsed: plain data, in which a number may be a `JSON.rawJSON` text. */
export type JsonObject = Record<string, unknown>;

/** How deep arrays and objects may nest inside a field. */
export const MAX_LEVELS = 64;

/** The longest text of a number. */
export const MAX_NUMBER_CHARACTERS = 1_000;

/**
 * A number whose text a double may not give back: one with a fraction, an exponent, 16 digits or more, or a minus before
 * a zero. What stands before it tells it from the digits of most texts, such as ids.
 */
const MAY_DIFFER = /(?:^|[\s[:,])(?:-0|-?\d{1,15}[.eE]|-?\d{16})/;

/**
 * Parses JSON exactly: a number whose text a double does not give back (`9007199254740993`, `1.0`, `-0`, `1e2`) is kept
 * as the text that was sent, which `JSON.stringify` writes back. Takes time in proportion to the text. The caller knows what
 * the text holds.
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactly<Value = unknown>(text: string): Value {
  return (mayDiffer(text) ? JSON.parse(text, exactNumber) : JSON.parse(text)) as Value;
}

/** Whether a JSON text may hold a number whose text a double does not give back. */
export function mayDiffer(text: string): boolean {
  return MAY_DIFFER.test(text);
}

/** A number that was parsed exactly, as a double; any other value as it is. */
export function asDouble(value: unknown): unknown {
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : value;
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
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
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

/** Whether a value, of at most `MAX_LEVELS`, holds a number whose text is longer than `MAX_NUMBER_CHARACTERS`. */
export function holdsLongNumber(value: unknown): boolean {
  if (JSON.isRawJSON(value)) return value.rawJSON.length > MAX_NUMBER_CHARACTERS;
  return isContainer(value) && Object.values(value).some(holdsLongNumber);
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
  if (typeof value !== "number" || source === undefined) return value;
  return JSON.stringify(value) === source ? value : JSON.rawJSON(source);
}
