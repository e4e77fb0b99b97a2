import { ServiceError } from "../errors.ts";

/**
 * The largest JSON text of a response, in bytes as Lambda counts them: 6 MB for the whole response, in which the body
 * is escaped once more, less 64 KiB for headers and links.
 */
export const MAX_RESPONSE_BYTES = 6_291_556 - 65_536;

/** What a character takes of a response at most, in bytes: a control character is `\\u0000` there. */
export const MOST_BYTES_OF_A_CHARACTER = 7;

/**
 * Adds up what values take of a response. A value is not made a text to be measured as long as a bound says that all of
 * them fit.
 */
export class ResponseMeter {
  #bytes = 0;
  #bounded: { value: unknown; bound: number }[] = [];

  /**
   * Adds a value.
   * @param bound what it takes at most, in bytes; it is measured without it
   * @returns whether everything so far fits a response
   */
  fits(value: unknown, bound?: number): boolean {
    if (bound === undefined) this.#bytes += responseBytes(value);
    else this.#add(value, bound);
    if (this.#bytes <= MAX_RESPONSE_BYTES) return true;
    for (const { value: one, bound: most } of this.#bounded.splice(0))
      this.#bytes += responseBytes(one) - most;
    return this.#bytes <= MAX_RESPONSE_BYTES;
  }

  #add(value: unknown, bound: number): void {
    this.#bounded.push({ value, bound });
    this.#bytes += bound;
  }
}

/** What a value takes of a response, in bytes as Lambda counts them, the comma behind it included. */
export function responseBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value))) + 1;
}

/**
 * Checks that a list which has no pages fits a response.
 * @param remedy what the caller can do about one that does not, as a sentence
 * @throws ServiceError `invalid` where it does not
 */
export function checkListFits(rows: object[], remedy: string): void {
  let bytes = 0;
  for (const row of rows) {
    bytes += responseBytes(row);
    if (bytes > MAX_RESPONSE_BYTES) throw responseTooLarge(remedy);
  }
}

/** The error for a response that would be too large. @param remedy what the caller can do about it, as a sentence */
export function responseTooLarge(remedy: string): ServiceError {
  return new ServiceError(
    "invalid",
    `The answer would take more than ${MAX_RESPONSE_BYTES} bytes: ${remedy}`,
  );
}
