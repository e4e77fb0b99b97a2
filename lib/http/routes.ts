import { routes } from "../settings.ts";

const ROUTES = routes();

/** The methods of an address, in the order of the route table; empty if it is unknown. */
export function methodsOf(address: string): string[] {
  return ROUTES.filter(({ path }) => matchesPath(address, path)).flatMap(({ methods }) => methods);
}

/** Whether an address matches a route's path, whose parameters match one segment that is not empty. */
function matchesPath(address: string, path: string): boolean {
  const segments = address.split("/");
  const expected = path.split("/");
  return (
    segments.length === expected.length &&
    expected.every((name, at) => (name.startsWith("{") ? segments[at] !== "" : segments[at] === name))
  );
}
