/** A JSON object as it was parsed plainly: its numbers are doubles. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is a JSON object: and not an array. */
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
  const opened = text.match(/[[{]/g)?.length ?? 0;
  return opened > levels && deepest(text) > levels;
}

/** How deep a JSON text nests; brackets inside strings do not count. */
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
