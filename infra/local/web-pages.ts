import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Makes the HTTP servers of this process refuse web pages, as `refuseWebPage` does, also servers that others create.
 * @param origins the service's own origins
 * @param isGuarded whether a server is one of those
 */
export function refuseWebPages(origins: string[], isGuarded: (server: Server) => boolean = () => true): void {
  const seen = new WeakSet<Server>();
  // Node publishes every request before the server's listeners get it, so the first one is refused too.
  subscribe("http.server.request.start", (message) => {
    const { server } = message as { server: Server };
    if (seen.has(server) || !isGuarded(server)) return;
    seen.add(server);
    const listeners = server.listeners("request") as Listener[];
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      if (refuseWebPage(request, response, origins)) return;
      for (const listener of listeners) listener.call(server, request, response);
    });
  });
}

/**
 * Answers 403 to a request that a web page may have sent: a preflight (`OPTIONS`), an `Origin` that is not the
 * service's, or a `Host` that is neither an IP address nor a name of this machine, as after DNS rebinding. Programs send
 * no `Origin`.
 * @returns whether it has answered
 */
export function refuseWebPage(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  origins: string[],
): boolean {
  const reason = refusalOf(method, headers, origins);
  if (reason === undefined) return false;
  const body = JSON.stringify({ message: `${reason} Web pages are refused here.` });
  response.writeHead(403, { "content-type": "application/json", connection: "close" }).end(body);
  return true;
}

function refusalOf(
  method: string | undefined,
  { origin, host }: IncomingMessage["headers"],
  origins: string[],
): string | undefined {
  if (method === "OPTIONS") return "The method is OPTIONS, as in a preflight.";
  if (origin !== undefined && !origins.includes(origin)) return "The header Origin names another site.";
  if (host !== undefined && !isOfThisMachine(host, origins))
    return "The header Host is neither an IP address nor a name of this machine.";
  return undefined;
}

function isOfThisMachine(host: string, origins: string[]): boolean {
  const name = hostnameOf(`http://${host}`);
  if (name === undefined) return false;
  if (isIP(name.replace(/^\[|\]$/g, "")) || /(^|\.)localhost$/.test(name)) return true;
  return origins.some((origin) => hostnameOf(origin) === name);
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
