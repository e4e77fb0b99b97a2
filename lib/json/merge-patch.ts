import { isObjectText, membersOf, objectOf } from "./json-text.ts";

/**
 * Applies a JSON merge patch (RFC 7396) to texts: null takes a member away, objects are merged, all else is replaced.
 * @param target the text that is patched; anything but an object counts as an empty one
 * @param patch the text of an object
 */
export function mergePatch(target: string, patch: string): string {
  const members = isObjectText(target) ? membersOf(target) : new Map<string, string>();
  for (const [name, text] of membersOf(patch)) {
    if (text === "null") members.delete(name);
    else members.set(name, isObjectText(text) ? mergePatch(members.get(name) ?? "", text) : text);
  }
  return objectOf(members);
}
