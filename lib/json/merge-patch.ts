import { isJsonObject, type JsonObject } from "./exact-json.ts";

/**
 * Applies a JSON merge patch (RFC 7396): null removes a member, objects are merged, all other values replace.
 * @param target the value to patch; anything but an object counts as an empty one
 */
export function mergePatch(target: unknown, patch: JsonObject): JsonObject {
  const members = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, isJsonObject(value) ? mergePatch(members.get(name), value) : value);
  }
  return Object.fromEntries(members);
}
