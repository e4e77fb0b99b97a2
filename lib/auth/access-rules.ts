/** What an application credential of Keystone may call: one service, method and path pattern. */
export interface AccessRule {
  service: string;
  method: string;
  path: string;
}

/** Our service, by the name of its type in Keystone's catalog. */
const SERVICE = "orchestration";

/** One step of a path pattern: a character, anything within a segment, or anything. */
type Step = { literal: string } | "segment" | "anything";

/**
 * Whether rules allow a request, as Keystone's middleware decides it: one must name the service, the method and a
 * pattern of the path, in which `*` and `{name}` stand for a segment, and `**` for anything.
 */
export function isAllowed(rules: AccessRule[], method: string, path: string): boolean {
  return rules.some(
    (rule) => rule.service === SERVICE && rule.method === method && matches(stepsOf(rule.path), path),
  );
}

function stepsOf(pattern: string): Step[] {
  return [...pattern.matchAll(/\{[^{}]*\}|\*\*|\*|[^{}*]/g)].map(([step]) => {
    if (step === "**") return "anything";
    return step === "*" || step.startsWith("{") ? "segment" : { literal: step };
  });
}

/** Follows all places of the path that the steps so far may have come to, so that no pattern takes long. */
function matches(steps: Step[], path: string): boolean {
  let places = new Set([0]);
  for (const step of steps) places = new Set([...places].flatMap((place) => next(step, path, place)));
  return places.has(path.length);
}

function next(step: Step, path: string, place: number): number[] {
  if (typeof step === "object") return path[place] === step.literal ? [place + 1] : [];
  const slash = path.indexOf("/", place);
  const [first, last] =
    step === "anything" ? [place, path.length] : [place + 1, slash === -1 ? path.length : slash];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, more) => first + more);
}
