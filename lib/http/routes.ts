import { routes } from "../settings.ts";

/** The methods that an address takes, in the order of the route table; none where it is unknown. */
export function methodsOf(address: string): string[] {
  return routes().flatMap((route) => {
    const [method = "", path = ""] = route.split(" ");
    const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
    return pattern.test(address) ? [method] : [];
  });
}
