import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The content types of bodies that the simulator parses by itself. */
const JSON_OR_NONE = /^$|json/i;

/**
 * Makes the simulator answer as API Gateway does where it is more lenient: it would let any web page in, with
 * credentials (`access-control-allow-origin`), would drop a slash at the end of a path, and would hand over a body of
 * `null` or `""` as none. Node tells of every request before any server sees it; there the `Origin` is taken out, the
 * slash doubled, of which the simulator drops one, and JSON called a text, as it parses it otherwise. Functions get the
 * headers as they were sent (`rawHeaders`).
 */
export function answerAsDeployed(port: number): void {
  subscribe("http.server.request.start", (message) => {
    const { request, server } = message as { request: IncomingMessage; server: Server };
    if ((server.address() as AddressInfo | null)?.port !== port) return;
    delete request.headers.origin;
    if (JSON_OR_NONE.test(request.headers["content-type"] ?? ""))
      request.headers["content-type"] = "text/plain";
    const [path = "", ...query] = (request.url ?? "").split("?");
    if (path.length > 1 && path.endsWith("/")) request.url = [`${path}/`, ...query].join("?");
  });
}
