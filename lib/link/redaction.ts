import { JsonText } from "../json/json-text.ts";

/** A signed link of this service, plain or percent-encoded any number of times, as it occurs in logs. */
const SIGNED_LINK = /(capability(?:=|%(?:25)*3D))[\w-]+\.[\w-]+/gi;

/** A text with `removed` in place of each signed link: readers see results, and a link's holder can report one. */
export function redactLinks(text: string): string {
  return text.replace(SIGNED_LINK, "$1removed");
}

/** JSON values with the signed links in all texts redacted; the same object if there are none. */
export function redactLinksInValues({ text }: JsonText): JsonText {
  return new JsonText(text.replace(SIGNED_LINK, "$1removed"));
}
