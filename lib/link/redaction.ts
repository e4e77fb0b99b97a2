import { JsonText, mapParts } from "../json/json-text.ts";

/**
 * A signed link of this service as it occurs in logs: plain, percent-encoded any number of times, in JSON's escapes or in
 * HTML's.
 */
const SIGNED_LINK =
  /(capability(?:=|%(?:25)*3D|\\+u003d|&(?:amp;)*(?:#0*61|#x0*3d|equals);))[\w-]+(?:\.|%(?:25)*2E|\\+u002e|&(?:amp;)*(?:#0*46|#x0*2e|period);)[\w-]+/gi;

/** The length of the shortest string that holds a link, with its quotes: `"capability=a.b"`. */
const SHORTEST = 16;

const REDACTED = "$1removed";

/** A text with `removed` in place of each signed link: readers see results, and a link's holder can report one. */
export function redactLinks(text: string): string {
  return text.replace(SIGNED_LINK, REDACTED);
}

/** JSON values with the signed links in all their texts redacted, escaped ones too. */
export function redactLinksInValues({ text }: JsonText): JsonText {
  // Only an escape such as \u003d hides a link from the pattern.
  if (!text.includes("\\u")) return new JsonText(text.replace(SIGNED_LINK, REDACTED));
  return new JsonText(mapParts(text, redactedString));
}

function redactedString(string: string): string {
  if (string.length < SHORTEST) return string;
  if (!string.includes("\\u")) return redactLinks(string);
  const value = JSON.parse(string);
  const redacted = redactLinks(value);
  return redacted === value ? string : JSON.stringify(redacted);
}
