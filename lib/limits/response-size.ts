import { ServiceError } from "../errors.ts";
import { writeJson } from "../json/json-text.ts";

/**
 * The largest body of a response, in bytes as Lambda counts them: 6 MB for the whole response, a JSON text that holds
 * the body as an escaped string, less 64 KiB for headers and links.
 */
export const MAX_RESPONSE_BYTES = 6_291_556 - 65_536;

/** The most bytes of a response that one character takes: a control character becomes `\\u0000`. */
export const MAX_BYTES_PER_CHARACTER = 7;

/**
 * Adds up the response bytes of values. While the sum of upper bounds fits a response, no value is serialized to be
 * measured.
 */
export class ResponseMeter {
  #bytes = 0;
  #bounded: { value: unknown; bound: number }[] = [];

  /**
   * Adds a value.
   * @param bound an upper bound of its bytes; without it the value is measured
   * @returns whether all values so far fit a response
   */
  fits(value: unknown, bound?: number): boolean {
    if (bound === undefined) this.#bytes += responseBytes(value);
    else this.#add(value, bound);
    if (this.#bytes <= MAX_RESPONSE_BYTES) return true;
    for (const entry of this.#bounded.splice(0)) this.#bytes += responseBytes(entry.value) - entry.bound;
    return this.#bytes <= MAX_RESPONSE_BYTES;
  }

  #add(value: unknown, bound: number): void {
    this.#bounded.push({ value, bound });
    this.#bytes += bound;
  }
}

/** The bytes that a value takes of a response as Lambda counts them, with the comma after it. */
export function responseBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(writeJson(value))) + 1;
}

/**
 * Checks that a list without pages fits a response.
 * @param remedy a sentence for the error message that tells the caller a remedy
 * @throws ServiceError `invalid` if it does not
 */
export function checkListFits(rows: object[], remedy: string): void {
  let bytes = 0;
  for (const row of rows) {
    bytes += responseBytes(row);
    if (bytes > MAX_RESPONSE_BYTES) throw responseTooLarge(remedy);
  }
}

/** The error for a response that would be too large. @param remedy a sentence that tells the caller a remedy */
export function responseTooLarge(remedy: string): ServiceError {
  return new ServiceError(
    "invalid",
    `The answer would take more than ${MAX_RESPONSE_BYTES} bytes: ${remedy}`,
  );
}
