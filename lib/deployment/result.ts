import type { ConfigOutput } from "../config/inputs-outputs.ts";
import { asDouble, asText, type JsonObject } from "../json/exact-json.ts";
import { MAX_REASON_BYTES, type Status } from "./fields.ts";

/** The outputs that every result holds, null where the agent did not send them. */
export const STANDARD_OUTPUTS = ["deploy_stdout", "deploy_stderr", "deploy_status_code"];

const STATUS_CODE = "deploy_status_code";

/** The most bytes that a marker of what is missing adds to a text. */
export const MAX_MARKER_BYTES = 100;

/** The result of a run. */
export interface Result {
  status: Status;
  status_reason: string;
  output_values: JsonObject;
}

/**
 * The result that a signal reports, by Heat's rules: it holds the outputs that the configuration declares, and the
 * three standard ones; it is FAILED when the script did not end with 0, or when an output that is declared to mean an
 * error is there, even empty.
 * @param declared the outputs of the configuration; none where it is not stored by this service
 * @param before the outputs that the deployment has: what the signal does not name of them stays
 */
export function resultOf(signal: JsonObject, declared: ConfigOutput[], before: JsonObject = {}): Result {
  const code = Object.hasOwn(signal, STATUS_CODE) ? signal[STATUS_CODE] : undefined;
  const given = declared.filter(({ name }) => Object.hasOwn(signal, name));
  const names = [...given.map(({ name }) => name), ...STANDARD_OUTPUTS];
  const sent = names.map((name) => [name, Object.hasOwn(signal, name) ? signal[name] : null] as const);
  const output_values = Object.fromEntries([...Object.entries(before), ...sent]);
  const errors = given
    .filter(({ error_output }) => error_output)
    .map(({ name }) => `${name} : ${asText(signal[name])}`);
  // As in Heat, null, false, the empty text and zero in any form mean success.
  const plain = asDouble(code) ?? false;
  const isSuccess = [false, "", "0", 0].some((success) => success === plain);
  const reasons = isSuccess
    ? errors
    : [`${STATUS_CODE} : Deployment exited with non-zero status code: ${asText(code)}`, ...errors];
  if (reasons.length === 0) return { status: "COMPLETE", status_reason: "Outputs received", output_values };
  // Room for two markers: of what is cut here, and of outputs that an item has no room for.
  const status_reason = truncateMiddle(
    reasons.join(", ").toWellFormed(),
    MAX_REASON_BYTES - 2 * MAX_MARKER_BYTES,
  );
  return { status: "FAILED", status_reason, output_values };
}

/** Cuts the middle out of a text of more than `bytes` of UTF-8; a marker, which comes on top, says how much is missing. */
export function truncateMiddle(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.byteLength <= bytes) return text;
  const head = Math.floor(bytes / 4);
  const tail = bytes - head;
  const missing = whole.byteLength - head - tail;
  // A character that is cut in two is decoded as U+FFFD.
  return `${whole.subarray(0, head)}\n[… ${missing} bytes are missing here …]\n${whole.subarray(whole.byteLength - tail)}`;
}
