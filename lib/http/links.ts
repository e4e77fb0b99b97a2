/**
 * Where a list goes on, as the SDKs' pagers expect it.
 * @param next the last row's id, when more rows follow
 * @param query what the caller asked for
 */
export const nextLink = (
  address: string,
  next: string | undefined,
  query: Record<string, string | number | undefined>,
): { rel: "next"; href: string }[] | undefined => {
  if (next === undefined) return undefined;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, marker: next })) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return [{ rel: "next", href: `${address}?${parameters}` }];
};
