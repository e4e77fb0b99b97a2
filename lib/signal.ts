import type { SoftwareConfig } from "./software-config.ts";
import type { UpdateRequest } from "./software-deployment-request.ts";
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
const resultOf = (
  signal: JsonObject,
  declared: SoftwareConfig["outputs"],
): Required<Pick<UpdateRequest, "status" | "status_reason" | "output_values">> => {
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
  const status_reason = withoutMiddle(reasons.join(", ").toWellFormed(), MAX_REASON_BYTES - 100);
  return { status: "FAILED", status_reason, output_values };
};

const bytesOf = (outputs: JsonObject): number => {
  const [stored = ""] = Object.values(storedJson({ outputs }, {})) as (string | Uint8Array)[];
  return Buffer.byteLength(stored);
};

/** The largest cut, in bytes a value, at which outputs fit; undefined when even the smallest does not. */
const fittingCut = (outputs: JsonObject, names: string[], room: number): JsonObject | undefined => {
  const cut = (bytes: number): JsonObject =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, value]) => [
        name,
        names.includes(name) && Buffer.byteLength(said(value)) > bytes
          ? withoutMiddle(said(value), bytes)
          : value,
      ]),
    );
  let best: JsonObject | undefined;
  let [low, high] = [256, 1_048_576];
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const candidate = cut(middle);
    if (bytesOf(candidate) <= room) {
      best = candidate;
      low = middle + 1_024;
    } else {
      high = middle - 1_024;
    }
  }
  return best;
};

/**
 * Outputs as large as an item has room for: what does not fit loses the middle of `deploy_stdout` and
 * `deploy_stderr`, then of the other long values, never their ends, with a mark of how many bytes are missing.
 * @param room bytes, as stored
 */
const fitted = (outputs: JsonObject, room: number): JsonObject => {
  if (bytesOf(outputs) <= room) return outputs;
  const streams = ["deploy_stdout", "deploy_stderr"];
  const long = Object.keys(outputs).filter((name) => said(outputs[name]).length > 256);
  const cut = fittingCut(outputs, streams, room) ?? fittingCut(outputs, [...streams, ...long], room);
  // Thousands of short outputs: what every result holds, at least.
  return (
    cut ?? fittingCut(Object.fromEntries(ALWAYS.map((name) => [name, outputs[name]])), ALWAYS, room) ?? {}
  );
};

/**
 * What a signal says of a run, as far as the item has room for it.
 * @param room bytes, as stored, for outputs and reason
 */
export const fittedResult = (
  signal: JsonObject,
  declared: SoftwareConfig["outputs"],
  room: number,
): ReturnType<typeof resultOf> => {
  const result = resultOf(signal, declared);
  const left = room - Buffer.byteLength(result.status_reason ?? "");
  return { ...result, output_values: fitted(result.output_values ?? {}, left) };
};
