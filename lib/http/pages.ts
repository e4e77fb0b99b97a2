import type * as z from "zod/mini";
import { MAX_RESPONSE_BYTES, ResponseMeter, responseBytes } from "../limits/response-size.ts";
import type { NextLinks } from "../shapes.ts";

/** One page of a list. */
export interface Page<Row> {
  rows: Row[];
  /** The id behind which the list goes on; undefined at its end. */
  next: string | undefined;
}

/** What a page needs where its rows may be large. */
export interface PageOptions<Row, View> {
  /** The row in the form that the response will have it. */
  measured?: (view: View) => object;
  /** What a row takes of the response at most, in bytes; it is measured where that is not known. */
  bound?: (row: Row) => number | undefined;
  /** What the response holds of a row that takes a whole one by itself, so that no row stops the list. */
  smaller?: (view: View) => View;
}

/**
 * Takes from a list as many rows as fit a response: at most `most`, and at least one if there is one, so that an
 * empty page never leads on.
 * @param rows the list from where the page begins, read no further than needed. It may stop before the end of the
 *   data; then it returns the id behind which it goes on.
 * @param view what the response holds of a row
 */
export async function takePage<Row, View extends { id: string }>(
  rows: AsyncGenerator<Row, string | undefined>,
  view: (row: Row) => View,
  most = Number.POSITIVE_INFINITY,
  { measured = (shown) => shown, bound = unknown, smaller = (large) => large }: PageOptions<Row, View> = {},
): Promise<Page<View>> {
  const taken: View[] = [];
  const meter = new ResponseMeter();
  for (let row = await rows.next(); ; row = await rows.next()) {
    if (row.done) return { rows: taken, next: row.value };
    let shown = view(row.value);
    let bytes = bound(row.value) ?? responseBytes(measured(shown));
    if (bytes > MAX_RESPONSE_BYTES && responseBytes(measured(shown)) > MAX_RESPONSE_BYTES) {
      shown = smaller(shown);
      bytes = responseBytes(measured(shown));
    }
    if (taken.length === most || (!meter.fits(measured(shown), bytes) && taken.length > 0)) {
      await rows.return(undefined);
      return { rows: taken, next: taken.at(-1)?.id };
    }
    taken.push(shown);
  }
}

function unknown(): undefined {
  return undefined;
}

/**
 * The link to the next page of a list.
 * @param address of the list, without a query
 * @param next the id behind which it goes on; no link without one
 * @param query what the caller asked for, which the link repeats
 */
export function nextLinks(
  address: string,
  next: string | undefined,
  query: Record<string, string | number | undefined>,
): z.infer<typeof NextLinks> {
  if (next === undefined) return undefined;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, marker: next })) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return [{ rel: "next", href: `${address}?${parameters}` }];
}
