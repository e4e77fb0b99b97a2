/*
 * JSON values as their text.
 *
 * A value of `input_values`, of `output_values` and of a configuration is kept as its JSON text from the request to the
 * answer: a number whose text a double does not give back (`9007199254740993`, `1.0`, `-0`, `1e2`) comes back as it was
 * sent, and values are not parsed only to be written again. A body is parsed once, plainly, which says whether it is JSON.
 * Where it may hold such a number, or an escaped name, which V8 may misread (nodejs/node#63785), its values are cut out of
 * the body's text by one scan (1.3 to 1.7 times a plain parse); else they are written from what was parsed. A reviver of `JSON.parse` would give the numbers' texts too, but costs 2 µs an
 * element whatever it does: 30 to 60 times a plain parse.
 *
 * All functions take texts that are known to be JSON: of a body that was parsed, or of what was stored. They take time in
 * proportion to the text.
 */

/** The most levels of arrays and objects inside a field. */
export const MAX_LEVELS = 64;

/** The most characters of a number. */
export const MAX_NUMBER_CHARACTERS = 1_000;

/**
 * A number whose text a double may not give back: one with a fraction, an exponent, 16 digits or more, or a minus before
 * a zero. The character before it tells it from the digits of most strings, such as ids.
 */
const MAY_DIFFER = /[[:,]\s*(?:-0|-?\d+[.eE]|-?\d{16})/;

/** A name with an escape in it. Of JSON.parse it may come back as another name of the same shape (nodejs/node#63785). */
const ESCAPED_NAME = /\\.[^"\\]*"\s*:/;

/** The escape of half a surrogate pair. */
const SURROGATE_ESCAPE = /\\ud[89a-f]/i;

/** The characters of numbers. */
const NUMERIC = "0123456789.eE+-";

/** The characters by which a scan finds its way, as codes: a scan by pattern takes ten times as long. */
const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);
const COMMA = ",".charCodeAt(0);
const COLON = ":".charCodeAt(0);

/** The beginning of a mark: half a surrogate pair, which no string of ours holds outside of values. */
const MARK = "\ud800";
const MARKS = /"\\ud800(\d+)"/g;

/** The texts for which `writeJson` has written marks so far; undefined while it writes nothing. */
let places: string[] | undefined;

/** A JSON value as its text, without blanks. */
export class JsonText {
  declare readonly text: string;

  /** @param text a JSON text without blanks */
  constructor(text: string) {
    this.text = text;
  }

  /** The mark of its place in a text that `writeJson` is writing; elsewhere the value itself. */
  toJSON(): unknown {
    if (!places) return JSON.parse(this.text);
    places.push(this.text);
    return `${MARK}${places.length - 1}`;
  }
}

/** A JSON object as it was parsed plainly: its numbers are doubles. */
export type JsonObject = Record<string, unknown>;

/** A JSON value as the service looks at it: numbers, arrays and objects are texts. */
export type JsonValue = string | boolean | null | JsonText;

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
    // More marks than texts: a caller's string looks like one. So each part is written by itself.
    return count === texts.length ? written : writeParts(value);
  } finally {
    places = undefined;
  }
}

/** A value that was parsed plainly, or with texts in it, as the service looks at it. */
export function asJsonValue(value: unknown): JsonValue {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  return value instanceof JsonText ? value : new JsonText(writeJson(value));
}

/** The value that a text holds, as the service looks at it. */
export function valueIn(text: string): JsonValue {
  return /^["tfn]/.test(text) ? JSON.parse(text) : new JsonText(text);
}

/** The string that a text holds; undefined where it holds another value. */
export function stringIn(text: string): string | undefined {
  return text.startsWith('"') ? JSON.parse(text) : undefined;
}

/** A value for people and environments: a string is itself, any other value its JSON. */
export function asPlainText(value: JsonValue): string {
  if (typeof value === "string") return value;
  return value instanceof JsonText ? value.text : JSON.stringify(value);
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

/**
 * The members of an object by name, as texts without blanks. Of a name that comes twice the last one counts.
 * @param names the names that are wanted; all by default
 */
export function membersOf(object: string, names?: ReadonlySet<string>): Map<string, string> {
  const members = new Map<string, string>();
  for (let at = object.indexOf('"'); at !== -1; ) {
    const afterName = endOfString(object, at);
    const { text, end } = elementAt(object, object.indexOf(":", afterName) + 1);
    const escaped = object.slice(at + 1, afterName - 1);
    const name = escaped.includes("\\") ? JSON.parse(`"${escaped}"`) : escaped;
    if (!names || names.has(name)) members.set(name, text);
    at = object.indexOf('"', end);
  }
  return members;
}

/** The elements of an array, as texts without blanks. */
export function elementsOf(array: string): string[] {
  const elements: string[] = [];
  if (/^\[\s*\]$/.test(array)) return elements;
  for (let at = 1; at < array.length; ) {
    const { text, end } = elementAt(array, at);
    elements.push(text);
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

/** A JSON value of which every part can be reached in one step; strings, numbers and literals are their texts. */
export type JsonTree = string | JsonTree[] | Map<string, JsonTree>;

/** The tree of a text without blanks. Of a name that comes twice the last one counts. */
export function treeOf(text: string): JsonTree {
  let at = 0;
  const isAtEnd = (): boolean => {
    if (text[at] === ",") at += 1;
    return at >= text.length || text[at] === "]" || text[at] === "}";
  };
  const string = (): string => {
    const begin = at;
    at = endOfString(text, begin);
    return text.slice(begin, at);
  };
  const scalar = (): string => {
    const begin = at;
    while (at < text.length && !",]}".includes(text[at] ?? "")) at += 1;
    return text.slice(begin, at);
  };
  const list = (): JsonTree[] => {
    const elements: JsonTree[] = [];
    for (at += 1; !isAtEnd(); ) elements.push(value());
    at += 1;
    return elements;
  };
  const object = (): Map<string, JsonTree> => {
    const members = new Map<string, JsonTree>();
    for (at += 1; !isAtEnd(); ) {
      const name = JSON.parse(string());
      at += 1;
      members.set(name, value());
    }
    at += 1;
    return members;
  };
  const value = (): JsonTree => {
    if (text[at] === "{") return object();
    if (text[at] === "[") return list();
    return text[at] === '"' ? string() : scalar();
  };
  return value();
}

/** The text of a tree, without blanks. */
export function treeText(tree: JsonTree): string {
  if (typeof tree === "string") return tree;
  if (Array.isArray(tree)) return `[${tree.map(treeText).join()}]`;
  const members: [name: string, text: string][] = [];
  for (const [name, member] of tree) members.push([name, treeText(member)]);
  return objectOf(members);
}

/** An object's members: lists, objects and numbers that a double does not give back as texts, all else parsed. */
export function parseMembers(object: string): Record<string, unknown> {
  const members: [name: string, value: unknown][] = [];
  for (const [name, text] of membersOf(object))
    members.push([name, isKeptAsText(text) ? new JsonText(text) : JSON.parse(text)]);
  return Object.fromEntries(members);
}

/** A text with its strings, and the texts between them, replaced. */
export function mapParts(
  text: string,
  string: (part: string) => string,
  between?: (part: string) => string,
): string {
  const parts: string[] = [];
  // The place up to which the parts are complete: what stays as it is, is copied in one piece.
  let copied = 0;
  const replace = (begin: number, end: number, map: (part: string) => string): void => {
    const part = text.slice(begin, end);
    const replacement = map(part);
    if (replacement === part) return;
    parts.push(text.slice(copied, begin), replacement);
    copied = end;
  };
  let at = 0;
  for (let quote = text.indexOf('"'); quote !== -1; quote = text.indexOf('"', at)) {
    const end = endOfString(text, quote);
    if (between) replace(at, quote, between);
    replace(quote, end, string);
    at = end;
  }
  if (between) replace(at, text.length, between);
  return parts.length === 0 ? text : parts.join("") + text.slice(copied);
}

/** A text without the blanks between its parts. */
export function withoutBlanks(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (isBlank(code)) {
      if (copied < at) parts.push(text.slice(copied, at));
      copied = at + 1;
    }
  }
  return copied === 0 ? text : parts.join("") + text.slice(copied);
}

/**
 * Whether the text of an object or a list may differ from what a plain parse gives back: by the text of a number, or by
 * an escaped name.
 */
export function mayDiffer(text: string): boolean {
  return MAY_DIFFER.test(text) || ESCAPED_NAME.test(text);
}

/** Whether a text holds a number of more than `MAX_NUMBER_CHARACTERS`. */
export function holdsLongNumber(text: string): boolean {
  if (!holdsLongRun(text)) return false;
  let found = false;
  const look = (between: string): string => {
    found ||= holdsLongRun(between);
    return between;
  };
  mapParts(text, (string) => string, look);
  return found;
}

/** Whether no string of a text holds a lone surrogate, which UTF-8 cannot encode: it stands there as an escape. */
export function isWellFormedText(text: string): boolean {
  if (!SURROGATE_ESCAPE.test(text)) return true;
  let isWellFormed = true;
  const look = (string: string): string => {
    isWellFormed &&= JSON.parse(string).isWellFormed();
    return string;
  };
  mapParts(text, look);
  return isWellFormed;
}

/**
 * The first name in a text that could pollute a prototype, the last of equal names or not: `__proto__`, or the
 * `constructor` of an object with the member `prototype`. Undefined if there is none.
 */
export function pollutingName(text: string): string | undefined {
  // The names under which the objects and lists stand that are open; a list's elements have none.
  const open: string[] = [];
  let name = "";
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (isBeforeColon(text, end)) {
        const escaped = text.slice(at + 1, end - 1);
        name = escaped.includes("\\") ? JSON.parse(`"${escaped}"`) : escaped;
        if (name === "__proto__") return name;
        if (name === "prototype" && open.at(-1) === "constructor") return "constructor";
      }
      at = end - 1;
    } else if (isOpening(code)) {
      open.push(name);
      name = "";
    } else if (isClosing(code)) {
      open.pop();
      name = "";
    }
  }
  return undefined;
}

/** Whether a parsed value is a JSON object, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
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
  return holdsMoreThan(levels, "[", "{", text) && nestsDeeper(levels, text);
}

/** Whether two characters together occur more than that many times in a text. */
function holdsMoreThan(times: number, one: string, other: string, text: string): boolean {
  let count = 0;
  for (const character of [one, other])
    for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
      count += 1;
      if (count > times) return true;
    }
  return false;
}

function nestsDeeper(levels: number, text: string): boolean {
  let level = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (isClosing(code)) level -= 1;
    else if (isOpening(code) && ++level > levels) return true;
  }
  return false;
}

function writeParts(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map((one) => writeParts(one ?? null)).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return objectOf(members.map(([name, member]) => [name, writeParts(member)]));
}

function isKeptAsText(text: string): boolean {
  return isObjectText(text) || isArrayText(text) || (isNumberText(text) && mayDiffer(`[${text}]`));
}

/** The element of an array or an object that begins at a place, and the place of the comma or the bracket behind it. */
function elementAt(text: string, begin: number): { text: string; end: number } {
  let level = 0;
  let hasBlanks = false;
  // Most elements are a string, which is found without a look at each character.
  let at = text.charCodeAt(begin) === QUOTE ? endOfString(text, begin) : begin;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (level === 0 && (code === COMMA || isClosing(code))) break;
    else if (isOpening(code)) level += 1;
    else if (isClosing(code)) level -= 1;
    else if (isBlank(code)) hasBlanks = true;
  }
  const element = text.slice(begin, at);
  return { text: hasBlanks ? withoutBlanks(element) : element, end: at };
}

/** The place behind a string that begins at a place. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}

function isBeforeColon(text: string, place: number): boolean {
  let at = place;
  while (isBlank(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** Whether a character begins an object or a list. */
function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

/** Whether a character ends an object or a list. */
function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}

/** Whether more than `MAX_NUMBER_CHARACTERS` of numbers stand in a row. */
function holdsLongRun(text: string): boolean {
  // Such a run holds one of these places at least; only what stands there is looked at.
  for (let at = 0; at < text.length; at += MAX_NUMBER_CHARACTERS) {
    let [begin, end] = [at, at];
    while (begin > 0 && NUMERIC.includes(text[begin - 1] ?? " ")) begin -= 1;
    while (end < text.length && NUMERIC.includes(text[end] ?? " ")) end += 1;
    if (end - begin > MAX_NUMBER_CHARACTERS) return true;
    at = Math.max(at, end - MAX_NUMBER_CHARACTERS);
  }
  return false;
}
