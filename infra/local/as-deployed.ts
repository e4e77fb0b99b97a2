import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Makes the simulator answer as API Gateway does where it is more lenient: it would let any web page in, with
 * credentials (`access-control-allow-origin`), and would drop a slash at the end of a path. Node tells of every request
 * before any server sees it; there the `Origin` is taken out, and the slash doubled, of which the simulator drops one.
 */
export function answerAsDeployed(port: number): void {
  subscribe("http.server.request.start", (message) => {
    const { request, server } = message as { request: IncomingMessage; server: Server };
    if ((server.address() as AddressInfo | null)?.port !== port) return;
    delete request.headers.origin;
    const [path = "", ...query] = (request.url ?? "").split("?");
    if (path.length > 1 && path.endsWith("/")) request.url = [`${path}/`, ...query].join("?");
  });
}
