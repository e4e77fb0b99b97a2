import { routes } from "../settings.ts";

const ROUTES = routes();

/** The methods that an address takes, in the order of the route table; none where it is unknown. */
export function methodsOf(address: string): string[] {
  return ROUTES.filter(({ path }) => isOf(address, path)).flatMap(({ methods }) => methods);
}

/** Whether an address is one of a route's path, whose parameters stand for a segment that is not empty. */
function isOf(address: string, path: string): boolean {
  const segments = address.split("/");
  const expected = path.split("/");
  return (
    segments.length === expected.length &&
    expected.every((name, at) => (name.startsWith("{") ? segments[at] !== "" : segments[at] === name))
  );
}
