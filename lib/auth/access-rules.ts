/** A request that an application credential of Keystone may make: service, method and path pattern. */
export interface AccessRule {
  service: string;
  method: string;
  path: string;
}

/** This service's type in Keystone's catalog. */
const SERVICE = "orchestration";

/** One step of a path pattern: a character, one or more characters within a segment, or any text. */
type Step = { literal: string } | "segment" | "anything";

/**
 * Whether rules allow a request, by the rules of Keystone's middleware: one must name the service, the method and a
 * pattern of the path. In a pattern `*` and `{name}` match a segment, `**` any text.
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

/**
 * Whether steps match a path. It tracks all positions that the steps can have reached, so the time is always linear.
 */
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
 * Whether a step can end at a position.
 * @param character the character before the position; undefined at the beginning
 * @param from whether the step can begin here, begin one position before, and end one position before
 */
function isReached(step: Step, character: string | undefined, from: (boolean | undefined)[]): boolean {
  const [beginsHere = false, beginsBefore = false, endsBefore = false] = from;
  if (step === "anything") return beginsHere || endsBefore;
  if (step === "segment") return character !== undefined && character !== "/" && (beginsBefore || endsBefore);
  return character === step.literal && beginsBefore;
}
