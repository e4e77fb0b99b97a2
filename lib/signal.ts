import type { SoftwareConfig } from "./software-config.ts";
import type { Status } from "./software-deployment-request.ts";
import { storedJson } from "./stored-json.ts";
import type { JsonObject } from "./wire/exact-json.ts";
import { jsonObject } from "./wire/fields.ts";

/** The body of a signal: the agent's outputs. No body is an empty object. */
export const SignalRequest = jsonObject;

/** What every result holds, null where the agent did not say. */
const ALWAYS = ["deploy_stdout", "deploy_stderr", "deploy_status_code"];
const STATUS_CODE = "deploy_status_code";

/** The longest reason, in bytes of UTF-8. */
const MAX_REASON_BYTES = 65_535;

/** The most bytes that a mark of what is missing adds to a text. */
const MARK_BYTES = 100;

/** What the names of outputs and reason take of an item. */
const NAMES_BYTES = "output_valuesstatus_reason".length;

/** What a signal says of a run. */
interface Result {
  status: Status;
  status_reason: string;
  output_values: JsonObject;
}

/** What Heat takes for a script that went well: zero in any form, or what Python takes for false. */
const isSuccess = (code: unknown): boolean =>
  code === undefined || code === null || code === false || code === "" || code === "0" || code === 0;

const isGiven = (outputs: JsonObject, name: string): boolean => Object.hasOwn(outputs, name);

const said = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** A text without its middle, at most `bytes` long in UTF-8 beside the mark that says how much is missing. */
const withoutMiddle = (text: string, bytes: number): string => {
  const whole = Buffer.from(text);
  if (whole.byteLength <= bytes) return text;
  const head = Math.floor(bytes / 4);
  const tail = bytes - head;
  const missing = whole.byteLength - head - tail;
  // A character cut in two becomes one that stands for it.
  return `${whole.subarray(0, head)}\n[… ${missing} bytes are missing here …]\n${whole.subarray(whole.byteLength - tail)}`;
};

/**
 * What a signal says of a run, by Heat's rules: the outputs that the configuration declares, and three always; failed
 * when the script did not end with 0, or when an output that is declared to mean an error is there, even empty.
 * @param declared the outputs of the configuration; none where it is not kept here
 */
const resultOf = (signal: JsonObject, declared: SoftwareConfig["outputs"]): Result => {
  const code = signal[STATUS_CODE];
  const names = [...declared.map(({ name }) => name).filter((name) => isGiven(signal, name)), ...ALWAYS];
  const output_values = Object.fromEntries(
    names.map((name) => [name, isGiven(signal, name) ? signal[name] : null]),
  );
  const errors = declared
    .filter(({ name, error_output }) => error_output && isGiven(signal, name))
    .map(({ name }) => `${name} : ${said(signal[name])}`);
  const reasons = isSuccess(isGiven(signal, STATUS_CODE) ? code : undefined)
    ? errors
    : [`${STATUS_CODE} : Deployment exited with non-zero status code: ${said(code)}`, ...errors];
  if (reasons.length === 0) return { status: "COMPLETE", status_reason: "Outputs received", output_values };
  const status_reason = withoutMiddle(reasons.join(", ").toWellFormed(), MAX_REASON_BYTES - 2 * MARK_BYTES);
  return { status: "FAILED", status_reason, output_values };
};

const bytesOf = (outputs: JsonObject): number => {
  const [stored = ""] = Object.values(storedJson({ outputs }, {})) as (string | Uint8Array)[];
  return Buffer.byteLength(stored);
};

/** How much of the room is enough, so that no more is tried: each try deflates all outputs. */
const ENOUGH = 0.9;

/** The least that stays of a value that is cut, in bytes. */
const LEAST_BYTES = 256;

/** Outputs of which the named ones are cut to at most `bytes` each. */
const cut = (outputs: JsonObject, names: Set<string>, bytes: number): JsonObject =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      names.has(name) && Buffer.byteLength(said(value)) > bytes ? withoutMiddle(said(value), bytes) : value,
    ]),
  );

/**
 * The largest of what is made from a number of steps that fits the room, or nearly.
 * @param make makes more from more steps
 * @returns undefined when even the least does not fit
 */
const largestFitting = (
  room: number,
  [least, most]: [number, number],
  make: (steps: number) => JsonObject,
): JsonObject | undefined => {
  let best = make(least);
  let size = bytesOf(best);
  if (size > room) return undefined;
  let [low, high] = [least + 1, most];
  while (low <= high && size < ENOUGH * room) {
    const middle = Math.floor((low + high) / 2);
    const candidate = make(middle);
    const bytes = bytesOf(candidate);
    if (bytes <= room) [best, size, low] = [candidate, bytes, middle + 1];
    else high = middle - 1;
  }
  return best;
};

/** What a cut is measured in, in bytes, and how far up it goes: to a whole body. */
const CUT_STEP = 1_024;
const CUT_STEPS = 1_024;

/** The outputs cut no more than it takes to fit; undefined when even the smallest cut does not. */
const fittingCut = (outputs: JsonObject, names: Set<string>, room: number): JsonObject | undefined =>
  largestFitting(room, [0, CUT_STEPS], (steps) => cut(outputs, names, LEAST_BYTES + steps * CUT_STEP));

/** As many of the outputs as fit, in their order, each cut as short as may be: for thousands of them. */
const fittingCount = (outputs: JsonObject, long: Set<string>, room: number): JsonObject => {
  const shortest = cut(outputs, long, LEAST_BYTES);
  const others = Object.keys(shortest).filter((name) => !ALWAYS.includes(name));
  const first = (count: number): JsonObject =>
    Object.fromEntries([...others.slice(0, count), ...ALWAYS].map((name) => [name, shortest[name]]));
  return largestFitting(room, [0, others.length], first) ?? first(0);
};

/**
 * Outputs as large as an item has room for: what does not fit loses the middle of `deploy_stdout` and
 * `deploy_stderr`, then of the other long values, never their ends, with a mark of how many bytes are missing; the
 * last of thousands are left out.
 * @param room bytes, as stored
 */
const fitted = (outputs: JsonObject, room: number): JsonObject => {
  if (bytesOf(outputs) <= room) return outputs;
  const streams = new Set(["deploy_stdout", "deploy_stderr"]);
  const long = new Set(Object.keys(outputs).filter((name) => said(outputs[name]).length > LEAST_BYTES));
  return (
    fittingCut(outputs, streams, room) ?? fittingCut(outputs, long, room) ?? fittingCount(outputs, long, room)
  );
};

const marked = (reason: string, left: number, all: number): string =>
  left === 0 ? reason : `${reason} (the last ${left} of ${all} outputs are missing: they do not fit)`;

/**
 * What a signal says of a run, as far as the item has room for it.
 * @param room bytes, as stored, for outputs and reason
 */
export const fittedResult = (
  signal: JsonObject,
  declared: SoftwareConfig["outputs"],
  room: number,
): Result => {
  const result = resultOf(signal, declared);
  const all = Object.keys(result.output_values).length;
  const left = room - Buffer.byteLength(result.status_reason) - NAMES_BYTES - MARK_BYTES;
  const output_values = fitted(result.output_values, left);
  const status_reason = marked(result.status_reason, all - Object.keys(output_values).length, all);
  return { ...result, status_reason, output_values };
};
