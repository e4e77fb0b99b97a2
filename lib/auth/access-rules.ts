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
  return [...pattern.matchAll(/\{[^{}]*\}|\*\*|./gs)].map(([step]) => {
    if (step === "**") return "anything";
    return step === "*" || step.length > 1 ? "segment" : { literal: step };
  });
}

/** Follows all places of the path that the steps so far may have come to, so that no pattern takes long. */
function matches(steps: Step[], path: string): boolean {
  let reached = Array.from({ length: path.length + 1 }, (_, place) => place === 0);
  for (const step of steps) {
    const next: boolean[] = [];
    for (let place = 0; place <= path.length; place += 1) {
      next.push(isReached(step, path[place - 1], [reached[place], reached[place - 1], next[place - 1]]));
    }
    reached = next;
  }
  return reached.at(-1) === true;
}

/**
 * Whether a step can end at a place.
 * @param character the one before the place; undefined at the path's beginning
 * @param from whether the step can begin here, whether one place before, and whether it can end one place before
 */
function isReached(step: Step, character: string | undefined, from: (boolean | undefined)[]): boolean {
  const [beginsHere = false, beginsBefore = false, endsBefore = false] = from;
  if (step === "anything") return beginsHere || endsBefore;
  if (step === "segment") return character !== undefined && character !== "/" && (beginsBefore || endsBefore);
  return character === step.literal && beginsBefore;
}
