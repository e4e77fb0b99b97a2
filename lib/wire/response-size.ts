import { ServiceError } from "../errors.ts";

/**
 * The largest JSON text of a response, in bytes as Lambda counts them: 6 MB for the whole response, in which the body
 * is escaped once more, less 64 KiB for headers and links.
 */
export const MAX_RESPONSE_BYTES = 6_291_556 - 65_536;

/** What a value takes of a response, in bytes as Lambda counts them, the comma behind it included. */
export function responseBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value))) + 1;
}

/**
 * Takes all rows of a list, for a response that has no pages.
 * @param measured the part of a row that the response will hold at least
 * @param remedy what the caller can do about a response that would be too large, as a sentence
 * @throws ServiceError `invalid` as soon as the rows do not fit a response
 */
export async function collectWithinLimit<Row>(
  rows: AsyncIterable<Row> | Iterable<Row>,
  measured: (row: Row) => unknown,
  remedy: string,
): Promise<Row[]> {
  const taken: Row[] = [];
  let bytes = 0;
  for await (const row of rows) {
    bytes += responseBytes(measured(row));
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new ServiceError(
        "invalid",
        `The answer would take more than ${MAX_RESPONSE_BYTES} bytes: ${remedy}`,
      );
    }
    taken.push(row);
  }
  return taken;
}
