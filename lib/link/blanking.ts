import { type JsonObject, parseExactly } from "../json/exact-json.ts";

/** A signed link of this service, plain or percent-encoded any times, as scripts and agents print it into their logs. */
const SIGNED_LINK = /(capability(?:=|%(?:25)*3D))[\w-]+\.[\w-]+/gi;

/** A text without the signed links in it: readers see results, and whoever holds a link can report one. */
export function withoutLinks(text: string): string {
  return text.replace(SIGNED_LINK, "$1removed");
}

/** JSON values without the signed links in their texts. */
export function valuesWithoutLinks(values: JsonObject): JsonObject {
  const text = JSON.stringify(values);
  // Most results hold none, and are not made anew.
  return text.search(SIGNED_LINK) === -1 ? values : parseExactly(withoutLinks(text));
}
