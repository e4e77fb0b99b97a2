import type * as z from "zod/mini";
import { checkListFits, MAX_RESPONSE_BYTES, ResponseMeter, responseBytes } from "../limits/response-size.ts";
import type { NextLinks } from "../shapes.ts";
import type { ClientQuirks } from "./event.ts";

/** One page of a list. */
export interface Page<Row> {
  rows: Row[];
  /** The id after which the list goes on; undefined at its end. */
  next: string | undefined;
}

/** Options of a page whose rows may be large. */
export interface PageOptions<Row, View> {
  /** The most rows of the page. */
  limit?: number | undefined;
  /** An upper bound of a row's bytes in the response; without it rows are measured. */
  bound?: (row: Row) => number;
  /** A smaller view of a row that alone is too large for a response, so that it does not stop the list. */
  smaller?: (view: View) => View;
}

/** The function `takePage` for the client of a request. */
export type TakePage = <Row, View extends { id: string }>(
  rows: AsyncGenerator<Row, string | undefined>,
  view: (row: Row) => View,
  options?: PageOptions<Row, View>,
) => Promise<Page<View>>;

/** The function `checkListSize` for the client of a request. */
export type CheckListSize = (views: object[], remedy: string) => void;

/**
 * Takes from a list as many rows as fit a response in the client's form: at most `limit`, and at least one if there is
 * one, so that no empty page has a link to the next.
 * @param rows the list from the beginning of the page, read no further than needed. If it stops before the end of the
 *   data, it returns the id after which it goes on
 * @param view makes the view of a row
 */
export async function takePage<Row, View extends { id: string }>(
  rows: AsyncGenerator<Row, string | undefined>,
  view: (row: Row) => View,
  { limit, bound, smaller, quirks }: PageOptions<Row, View> & { quirks: ClientQuirks | undefined },
): Promise<Page<View>> {
  const rendered = quirks?.renderResource ?? unchanged;
  const taken: View[] = [];
  const meter = new ResponseMeter();
  for (let row = await rows.next(); ; row = await rows.next()) {
    if (row.done) return { rows: taken, next: row.value };
    let shown = view(row.value);
    let bytes = (quirks ? undefined : bound?.(row.value)) ?? responseBytes(rendered(shown));
    if (bytes > MAX_RESPONSE_BYTES && responseBytes(rendered(shown)) > MAX_RESPONSE_BYTES) {
      shown = smaller?.(shown) ?? shown;
      bytes = responseBytes(rendered(shown));
    }
    if (taken.length === limit || (!meter.fits(rendered(shown), bytes) && taken.length > 0)) {
      await rows.return(undefined);
      return { rows: taken, next: taken.at(-1)?.id };
    }
    taken.push(shown);
  }
}

/**
 * Checks that a list without pages fits a response in the client's form.
 * @param remedy a sentence for the error message that tells the caller a remedy
 * @throws ServiceError `invalid` if it does not
 */
export function checkListSize(views: object[], remedy: string, quirks: ClientQuirks | undefined): void {
  checkListFits(views.map(quirks?.renderResource ?? unchanged), remedy);
}

/**
 * The link to the next page of a list, in a list of its own; undefined if there is no next page.
 * @param address the list's address without a query
 * @param next the id after which the list goes on
 * @param query the query of this page, which the link repeats
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

function unchanged(view: object): object {
  return view;
}
