/** A JSON object as it was parsed: plain data, in which a number may be a `JSON.rawJSON` text. */
export type JsonObject = Record<string, unknown>;

/** The deepest nesting of arrays and objects inside a field, in levels. */
export const MAX_LEVELS = 64;

/** The longest text of a number. */
export const MAX_NUMBER_CHARACTERS = 1_000;

/**
 * A number whose text a double may not reproduce: one with a fraction, an exponent, 16 digits or more, or `-0`. The
 * character before it rules out digits inside most texts, such as ids.
 */
const MAY_DIFFER = /(?:^|[\s[:,])(?:-0|-?\d{1,15}[.eE]|-?\d{16})/;

/**
 * Parses JSON without loss: a number whose text a double does not reproduce (`9007199254740993`, `1.0`, `-0`, `1e2`)
 * becomes a `JSON.rawJSON` of that text, which `JSON.stringify` writes unchanged. Takes time linear in the text. The
 * type of the result is the caller's claim; nothing checks it.
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactly<Value = unknown>(text: string): Value {
  return (mayDiffer(text) ? JSON.parse(text, exactNumber) : JSON.parse(text)) as Value;
}

/** Whether a JSON text may hold a number whose text a double does not reproduce. */
export function mayDiffer(text: string): boolean {
  return MAY_DIFFER.test(text);
}

/** A number that was kept as text, as a double; any other value unchanged. */
export function asDouble(value: unknown): unknown {
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : value;
}

/** Whether a parsed value is a JSON object: neither an array nor a number kept as text. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** A value as text: a text unchanged, anything else as its JSON. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether a value is an object or an array. */
export function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
}

/** Whether a value nests deeper than `levels`. It does not recurse: a hostile value cannot overflow the stack. */
export function nestsDeeperThan(levels: number, value: unknown): boolean {
  let level = [value].filter(isContainer);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === levels) return true;
    level = level.flatMap((container) => Object.values(container)).filter(isContainer);
  }
  return false;
}

/** Whether a value of at most `MAX_LEVELS` holds a number with more than `MAX_NUMBER_CHARACTERS`. */
export function holdsLongNumber(value: unknown): boolean {
  if (JSON.isRawJSON(value)) return value.rawJSON.length > MAX_NUMBER_CHARACTERS;
  return isContainer(value) && Object.values(value).some(holdsLongNumber);
}

/** Whether a JSON text nests deeper than `levels`. It scans the characters once, so it is safe before parsing. */
export function textNestsDeeperThan(levels: number, text: string): boolean {
  const opened = text.match(/[[{]/g)?.length ?? 0;
  return opened > levels && deepest(text) > levels;
}

/** The nesting of a JSON text, in levels; brackets inside strings do not count. */
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
