import type * as z from "zod/mini";
import { checkListFits, MAX_RESPONSE_BYTES, ResponseMeter, responseBytes } from "../limits/response-size.ts";
import type { NextLinks } from "../shapes.ts";
import type { ClientQuirks } from "./event.ts";

/** One page of a list. */
export interface Page<Row> {
  rows: Row[];
  /** The id behind which the list goes on; undefined at its end. */
  next: string | undefined;
}

/** Options of a page whose rows may be large. */
export interface PageOptions<Row, View> {
  /** The most rows of the page. */
  limit?: number | undefined;
  /** The bytes that a row takes of the response at most; it is measured where that is not known. */
  bound?: (row: Row) => number | undefined;
  /** The view of a row that takes a whole response by itself, so that no row stops the list. */
  smaller?: (view: View) => View;
}

/** `takePage` as an endpoint is given it: for the client that asks. */
export type TakePage = <Row, View extends { id: string }>(
  rows: AsyncGenerator<Row, string | undefined>,
  view: (row: Row) => View,
  options?: PageOptions<Row, View>,
) => Promise<Page<View>>;

/** `checkListSize` as an endpoint is given it: for the client that asks. */
export type CheckListSize = (views: object[], remedy: string) => void;

/**
 * Takes from a list as many rows as fit a response, in the form in which the client reads them: at most `limit`, and at
 * least one if there is one, so that an empty page never leads on.
 * @param rows the list from where the page begins, read no further than needed. It may stop before the end of the
 *   data; then it returns the id behind which it goes on.
 * @param view the view of a row
 */
export async function takePage<Row, View extends { id: string }>(
  rows: AsyncGenerator<Row, string | undefined>,
  view: (row: Row) => View,
  { limit, bound, smaller, quirks }: PageOptions<Row, View> & { quirks: ClientQuirks | undefined },
): Promise<Page<View>> {
  const rendered = quirks?.renderResource ?? asItIs;
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
 * Refuses, before it is made, a list that has no pages and would not fit a response in the form in which the client reads
 * it.
 * @param remedy what the caller can do about it, as a sentence
 * @throws ServiceError `invalid`
 */
export function checkListSize(views: object[], remedy: string, quirks: ClientQuirks | undefined): void {
  checkListFits(views.map(quirks?.renderResource ?? asItIs), remedy);
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

function asItIs(view: object): object {
  return view;
}
