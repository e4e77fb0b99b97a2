import { deflateRawSync } from "node:zlib";
import { ServiceError } from "../errors.ts";
import { writeJson } from "../json/json-text.ts";

/**
 * The largest body of a response, in bytes as Lambda counts them: 6 MB for the whole response, a JSON text that holds
 * the body as an escaped string, less 64 KiB for headers and links.
 */
export const MAX_RESPONSE_BYTES = 6_291_556 - 65_536;

/** The most bytes of values that one response holds before they are compressed: agents decode them in memory. */
const MAX_PLAIN_BYTES = 16_000_000;

/** The level of compression: of scripts the first one saves two thirds, at a quarter of the default's time. */
export const COMPRESSION_LEVEL = 1;

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

/** A value that may go into a response. */
export interface Measured {
  /** The characters of its JSON text, at least. */
  length: number;
  /** The most bytes of the response that it takes. */
  maxBytes: number;
  /** Renders it as it is sent; called only to measure it. */
  render: () => object;
}

/**
 * The room of one response for as many values as fit, as they are sent: plain, or compressed for who accepts gzip. While
 * the sum of upper bounds fits, nothing is rendered to be measured.
 */
export class ResponseRoom {
  readonly #mayCompress: boolean;
  /** The bytes of the response so far: at most, and once that is too many, exactly. */
  #bytes = 0;
  #isExact = false;
  #isCompressed = false;
  /** The characters of values that have room, and of those that were rendered in vain. */
  #length = 0;
  #lengthInVain = 0;
  #plainBytes = 0;
  #values: Measured[] = [];
  #texts: string[] = [];

  constructor(mayCompress: boolean) {
    this.#mayCompress = mayCompress;
  }

  /** Whether the response must be compressed. */
  get isCompressed(): boolean {
    return this.#isCompressed;
  }

  /** Adds a value, if there is room for it. @returns whether there is */
  add(value: Measured): boolean {
    // Neither what cannot fit is rendered, nor much that could.
    if (Math.max(this.#length, this.#lengthInVain) + value.length > MAX_PLAIN_BYTES) return false;
    const hasRoom = this.#take(value);
    if (hasRoom) this.#length += value.length;
    else this.#lengthInVain += value.length;
    return hasRoom;
  }

  #take(value: Measured): boolean {
    if (!this.#isExact && this.#bytes + value.maxBytes <= MAX_RESPONSE_BYTES) {
      this.#bytes += value.maxBytes;
      this.#values.push(value);
      return true;
    }
    if (!this.#isExact) this.#measure();
    return this.#addText(writeJson(value.render()));
  }

  #measure(): void {
    this.#isExact = true;
    this.#bytes = 0;
    for (const value of this.#values.splice(0)) this.#addText(writeJson(value.render()));
  }

  #addText(text: string): boolean {
    const bytes = this.#isCompressed ? compressedBytes(text) : escapedBytes(text);
    const plainBytes = Buffer.byteLength(text);
    if (this.#plainBytes + plainBytes > MAX_PLAIN_BYTES) return false;
    if (this.#bytes + bytes > MAX_RESPONSE_BYTES) {
      if (this.#isCompressed || !this.#mayCompress) return false;
      this.#isCompressed = true;
      this.#bytes = this.#texts.splice(0).reduce((sum, earlier) => sum + compressedBytes(earlier), 0);
      return this.#addText(text);
    }
    this.#bytes += bytes;
    this.#plainBytes += plainBytes;
    if (!this.#isCompressed) this.#texts.push(text);
    return true;
  }
}

/** The bytes that a value takes of a response as Lambda counts them, with the comma after it. */
export function responseBytes(value: unknown): number {
  return escapedBytes(writeJson(value));
}

/** The bytes that a text takes of a response whose body is a string, with the comma after it. */
function escapedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) + 1;
}

/** The bytes that a text takes of a response whose body is compressed, and then in Base64. */
export function compressedBytes(text: string): number {
  return Math.ceil((deflateRawSync(text, { level: COMPRESSION_LEVEL }).byteLength * 4) / 3);
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
