import { JsonText } from "../json/json-text.ts";

/** A signed link of this service, plain or percent-encoded any times, as scripts and agents print it into their logs. */
const SIGNED_LINK = /(capability(?:=|%(?:25)*3D))[\w-]+\.[\w-]+/gi;

/** A text without the signed links in it: readers see results, and whoever holds a link can report one. */
export function redactLinks(text: string): string {
  return text.replace(SIGNED_LINK, "$1removed");
}

/** JSON values without the signed links in their texts. */
export function redactLinksInValues({ text }: JsonText): JsonText {
  return new JsonText(redactLinks(text));
}
