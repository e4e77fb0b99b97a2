import { type JsonTree, treeOf, treeText } from "./json-text.ts";

/**
 * Applies a JSON merge patch (RFC 7396) to texts: null takes a member away, objects are merged, all else is replaced.
 * @param target the text that is patched; anything but an object counts as an empty one
 * @param patch the text of an object
 */
export function mergePatch(target: string, patch: string): string {
  return treeText(merged(treeOf(target), treeOf(patch)));
}

function merged(target: JsonTree | undefined, patch: JsonTree): JsonTree {
  if (!(patch instanceof Map)) return patch;
  const members = new Map(target instanceof Map ? target : []);
  for (const [name, value] of patch) {
    if (value === "null") members.delete(name);
    else members.set(name, merged(members.get(name), value));
  }
  return members;
}
