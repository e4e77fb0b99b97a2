import { ServiceError } from "../errors.ts";

/**
 * The largest JSON text of an answer, in bytes as Lambda counts them: 6 MB for the whole response, in which
 * the body is escaped once more, less what is left for headers and links.
 */
const MAX_ANSWER_BYTES = 6_291_556 - 65_536;

/** One page of a list. */
export interface Page<Row> {
  rows: Row[];
  /** The last row's id, when more rows follow; else undefined. */
  next: string | undefined;
}

const escapedBytes = (row: unknown): number => Buffer.byteLength(JSON.stringify(JSON.stringify(row)));

/**
 * Takes from a list as many rows as fit an answer: at most `limit`, and at least one if there is one, so that
 * an empty page never leads on.
 * @param rows the list from where the page begins, read no further than needed; it may end before its end, and then
 *   returns the id behind which it goes on
 * @param show what the answer holds of a row
 */
export const pageOf = async <Row, Shown extends { id: string }>(
  rows: AsyncGenerator<Row, string | undefined>,
  show: (row: Row) => Shown,
  limit = Number.POSITIVE_INFINITY,
): Promise<Page<Shown>> => {
  const taken: Shown[] = [];
  let bytes = 0;
  if (limit === 0) return { rows: taken, next: undefined };
  for (let row = await rows.next(); ; row = await rows.next()) {
    if (row.done) return { rows: taken, next: row.value };
    const shown = show(row.value);
    bytes += escapedBytes(shown) + 1;
    if (taken.length === limit || (bytes > MAX_ANSWER_BYTES && taken.length > 0)) {
      await rows.return(undefined);
      return { rows: taken, next: taken.at(-1)?.id };
    }
    taken.push(shown);
  }
};

const tooLarge = (remedy: string): ServiceError =>
  new ServiceError("invalid", `The answer would take more than ${MAX_ANSWER_BYTES} bytes: ${remedy}`);

/**
 * Takes a whole list, for an answer that has no pages.
 * @param measured the part of a row that the answer will hold at least
 * @param remedy what the caller can do about an answer that does not fit
 * @throws ServiceError `invalid` as soon as it is clear that the answer will not fit
 */
export const allOf = async <Row>(
  rows: AsyncIterable<Row> | Iterable<Row>,
  measured: (row: Row) => unknown,
  remedy: string,
): Promise<Row[]> => {
  const taken: Row[] = [];
  let bytes = 0;
  for await (const row of rows) {
    bytes += escapedBytes(measured(row)) + 1;
    if (bytes > MAX_ANSWER_BYTES) throw tooLarge(remedy);
    taken.push(row);
  }
  return taken;
};
