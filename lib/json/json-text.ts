/*
 * JSON values as their text.
 *
 * A value of `input_values`, of `output_values` and of a configuration is kept as its JSON text from the request to the
 * answer: a number whose text a double does not give back (`9007199254740993`, `1.0`, `-0`, `1e2`) comes back as it was
 * sent, and no value is made to be thrown away again. A body is parsed once, plainly, which says whether it is JSON. Where
 * it holds such a number, its values are cut out of the body's text by one scan (1.3 to 1.7 times a plain parse); else
 * they are written from what was parsed. A reviver of `JSON.parse` would give the numbers' texts too, but costs 2 µs an
 * element whatever it does: 30 to 60 times a plain parse.
 *
 * All functions take texts that are known to be JSON: of a body that was parsed, or of what was stored. They take time in
 * proportion to the text.
 */

/** How deep arrays and objects may nest inside a field. */
export const MAX_LEVELS = 64;

/** The most characters of a number. */
export const MAX_NUMBER_CHARACTERS = 1_000;

/** A JSON value as its text, without blanks. */
export class JsonText {
  /** The text. */
  declare readonly text: string;

  /** @param text a JSON text without blanks */
  constructor(text: string) {
    this.text = text;
  }

  /** Its place in a text that `writeJson` is writing; elsewhere the value itself. */
  toJSON(): unknown {
    if (!places) return JSON.parse(this.text);
    places.push(this.text);
    return `${MARK}${places.length - 1}`;
  }
}

/** A JSON value as the service looks at it: numbers, arrays and objects are texts. */
export type JsonValue = string | boolean | null | JsonText;

/** The texts for which `writeJson` has written marks so far; undefined while it writes nothing. */
let places: string[] | undefined;

/** The beginning of a mark: half a surrogate pair, which no string of ours holds outside of values. */
const MARK = "\ud800";
const MARKS = /"\\ud800(\d+)"/g;

/**
 * A number whose text a double may not give back: one with a fraction, an exponent, 16 digits or more, or a minus before
 * a zero. The character before it tells it from the digits of most strings, such as ids.
 */
const MAY_DIFFER = /(?:^|[\s[:,])(?:-0|-?\d{1,15}[.eE]|-?\d{16})/;

/** More characters of a number than are allowed, also in a string. */
const LONG = new RegExp(`[-+.\\deE]{${MAX_NUMBER_CHARACTERS + 1},}`, "g");

const [QUOTE, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'",[]{}'].map((one) =>
  one.charCodeAt(0),
);

/** The JSON text of a value in which some parts are texts already: they stand in it as they are. */
export function writeJson(value: unknown): string {
  places = [];
  try {
    const text = JSON.stringify(value);
    const texts = places;
    if (texts.length === 0) return text;
    let count = 0;
    const written = text.replace(MARKS, (_, place) => {
      count += 1;
      return texts[place] ?? "";
    });
    // A string that looks like a mark: it is told from marks where each part is written by itself.
    return count === texts.length ? written : writeParts(value);
  } finally {
    places = undefined;
  }
}

/** Whether a JSON text may hold a number whose text a double does not give back. */
export function mayDiffer(text: string): boolean {
  return MAY_DIFFER.test(text);
}

/** A value as its text. The value was parsed, or made: a double gives its numbers back. */
export function textOf(value: unknown): JsonText {
  return new JsonText(JSON.stringify(value));
}

/** The members of an object by name, as texts without blanks. Of a name that comes twice the last one counts. */
export function membersOf(object: string): Map<string, string> {
  const members = new Map<string, string>();
  for (let at = 1; at < object.length - 1; ) {
    const begin = object.indexOf('"', at);
    if (begin === -1) break;
    const afterName = endOfString(object, begin);
    const value = object.indexOf(":", afterName) + 1;
    const end = endOfElement(object, value);
    members.set(JSON.parse(object.slice(begin, afterName)), withoutBlanks(object.slice(value, end)));
    at = end + 1;
  }
  return members;
}

/** The elements of an array, as texts without blanks. */
export function elementsOf(array: string): string[] {
  const elements: string[] = [];
  if (/^\[\s*\]$/.test(array)) return elements;
  for (let at = 1; at < array.length; ) {
    const end = endOfElement(array, at);
    elements.push(withoutBlanks(array.slice(at, end)));
    at = end + 1;
  }
  return elements;
}

/** The text of an object with these members. */
export function objectOf(members: Iterable<readonly [name: string, text: string]>): string {
  const texts: string[] = [];
  for (const [name, text] of members) texts.push(`${JSON.stringify(name)}:${text}`);
  return `{${texts.join()}}`;
}

/** The string that a text holds; undefined where it holds another value. */
export function stringIn(text: string): string | undefined {
  return text.startsWith('"') ? JSON.parse(text) : undefined;
}

/** The value that a text holds, as the service looks at it. */
export function valueIn(text: string): JsonValue {
  return /^["tfn]/.test(text) ? JSON.parse(text) : new JsonText(text);
}

/** A value that was parsed plainly, or with texts in it, as the service looks at it. */
export function asJsonValue(value: unknown): JsonValue {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  return value instanceof JsonText ? value : new JsonText(writeJson(value));
}

/** A value for people and environments: a string is itself, any other value its JSON. */
export function asPlainText(value: JsonValue | number | undefined): string {
  if (typeof value === "string") return value;
  return value instanceof JsonText ? value.text : JSON.stringify(value);
}

/** An object's members, parsed plainly where doubles give their numbers back, else as texts. */
export function parseMembers(object: string): Record<string, unknown> {
  return Object.fromEntries(
    [...membersOf(object)].map(([name, text]) => [
      name,
      mayDiffer(text) ? new JsonText(text) : JSON.parse(text),
    ]),
  );
}

/** A text, in which strings and what stands between them are replaced. */
export function mapParts(
  text: string,
  string: (part: string) => string,
  between: (part: string) => string,
): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const begin = quote === -1 ? text.length : quote;
    parts.push(between(text.slice(at, begin)));
    if (quote === -1) break;
    at = endOfString(text, quote);
    parts.push(string(text.slice(quote, at)));
  }
  return parts.join("");
}

/** Whether a text holds an object. */
export function isObjectText(text: string): boolean {
  return text.startsWith("{");
}

/** Whether a text holds an array. */
export function isArrayText(text: string): boolean {
  return text.startsWith("[");
}

/** Whether a text holds a number. */
export function isNumberText(text: string): boolean {
  return /^[-\d]/.test(text);
}

/** Whether a text, of which a number may be longer than `MAX_NUMBER_CHARACTERS`, holds such a number. */
export function holdsLongNumber(text: string): boolean {
  for (const { index } of text.matchAll(LONG)) if (!isInString(text, index)) return true;
  return false;
}

function writeParts(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map((one) => writeParts(one ?? null)).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return objectOf(members.map(([name, member]) => [name, writeParts(member)]));
}

/** The place behind an element of an array or an object that begins at a place: of the comma or the bracket there. */
function endOfElement(text: string, begin: number): number {
  let level = 0;
  for (let at = begin; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) level += 1;
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      if (level === 0) return at;
      level -= 1;
    } else if (code === COMMA && level === 0) return at;
  }
  return text.length;
}

/** The place behind a string that begins at a place. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}

function isInString(text: string, place: number): boolean {
  for (let at = text.indexOf('"'); at !== -1 && at < place; at = text.indexOf('"', at)) {
    at = endOfString(text, at);
    if (at > place) return true;
  }
  return false;
}

/** A JSON text without the blanks between its tokens. */
function withoutBlanks(text: string): string {
  if (!/[ \t\n\r]/.test(text)) return text;
  return mapParts(
    text,
    (string) => string,
    (between) => between.replace(/[ \t\n\r]+/g, ""),
  );
}
