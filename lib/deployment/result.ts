import type { ConfigOutput } from "../config/inputs-outputs.ts";
import { asPlainText, JsonText, membersOf, objectOf, valueIn } from "../json/json-text.ts";
import { MAX_REASON_BYTES, type Status } from "./fields.ts";

/** The outputs that every result has, null if the agent did not send them. */
export const STANDARD_OUTPUTS = ["deploy_stdout", "deploy_stderr", "deploy_status_code"];

/** The output with the exit code of a run. */
export const STATUS_CODE = "deploy_status_code";

/** The status codes that are no numbers and mean success, as JSON texts. */
const SUCCESS = ["null", "false", '""', '"0"'];

/** The most bytes that a marker for missing bytes or outputs adds to a text. */
export const MAX_MARKER_BYTES = 100;

/** The result of a run. */
export interface Result {
  status: Status;
  status_reason: string;
  output_values: JsonText;
}

/**
 * The result that a signal reports, by Heat's rules. It has the outputs that the configuration declares, and the three
 * standard ones. It is FAILED if the status code is not 0, or if an output with `error_output` was sent, even an empty
 * one.
 * @param declared the outputs of the configuration; none if this service does not store it
 * @param before the deployment's outputs; those that the signal does not name stay
 */
export function resultOf(signal: JsonText, declared: ConfigOutput[], before: JsonText | null = null): Result {
  const sent = membersOf(signal.text, new Set([...declared.map(({ name }) => name), ...STANDARD_OUTPUTS]));
  const outputs = before ? membersOf(before.text) : new Map<string, string>();
  const reported = declared.filter(({ name }) => sent.has(name));
  for (const name of [...reported.map(({ name }) => name), ...STANDARD_OUTPUTS])
    outputs.set(name, sent.get(name) ?? "null");
  const output_values = new JsonText(objectOf(outputs));
  const plain = (name: string): string => asPlainText(valueIn(sent.get(name) ?? "null"));
  const errors = reported
    .filter(({ error_output }) => error_output)
    .map(({ name }) => `${name} : ${plain(name)}`);
  // As in Heat, null, false, the empty text and zero in any form mean success.
  const code = sent.get(STATUS_CODE) ?? "null";
  const isSuccess = SUCCESS.includes(code) || Number(code) === 0;
  const reasons = isSuccess
    ? errors
    : [`${STATUS_CODE} : Deployment exited with non-zero status code: ${plain(STATUS_CODE)}`, ...errors];
  if (reasons.length === 0) return { status: "COMPLETE", status_reason: "Outputs received", output_values };
  // Leaves room for two markers: of the cut here, and of outputs that do not fit the row.
  const status_reason = truncateMiddle(
    reasons.join(", ").toWellFormed(),
    MAX_REASON_BYTES - 2 * MAX_MARKER_BYTES,
  );
  return { status: "FAILED", status_reason, output_values };
}

/**
 * A text with its middle cut out if it has more than `bytes` of UTF-8: the first quarter and the last three, and
 * between them a marker with the number of missing bytes, which are not counted in `bytes`.
 */
export function truncateMiddle(text: string, bytes: number): string {
  return Buffer.byteLength(text) <= bytes ? text : withoutMiddle(Buffer.from(text), bytes);
}

/** A text, given as UTF-8, without its middle, as by `truncateMiddle`. @param bytes less than it has */
export function withoutMiddle(whole: Buffer, bytes: number): string {
  const head = Math.floor(bytes / 4);
  const tail = bytes - head;
  const missing = whole.byteLength - head - tail;
  // A character that is cut in two is decoded as U+FFFD.
  return `${whole.subarray(0, head)}\n[… ${missing} bytes are missing here …]\n${whole.subarray(whole.byteLength - tail)}`;
}
