import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { pipeline } from "node:stream";
import { refuseWebPage } from "./web-pages.ts";

/** A proxy that refuses web pages. */
export interface Guard {
  /** Its address. */
  endpoint: string;
  close: () => void;
}

/**
 * Starts a proxy in front of an emulator that answers every web page, and refuses those (`refuseWebPage`). While the
 * emulator does not answer, it drops connections. It does not keep this process running.
 * @param options.port the port of 127.0.0.1 that it listens on
 * @param options.target the emulator's address
 * @param options.origins the service's own origins
 * @throws Error (`EADDRINUSE`) when the port is taken
 */
export async function startGuard(options: {
  port: number;
  target: string;
  origins: string[];
}): Promise<Guard> {
  const { port, target, origins } = options;
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, answer) => {
    if (refuseWebPage(incoming, answer, origins)) return;
    const { method, headers, url = "/" } = incoming;
    const forwarded = request(target, { agent, method, headers, path: url });
    forwarded.on("response", (response) => {
      answer.writeHead(response.statusCode ?? 0, response.headers);
      pipeline(response, answer, () => undefined);
    });
    pipeline(incoming, forwarded, (error) => void (error && answer.destroy()));
    forwarded.on("error", () => answer.destroy());
    answer.on("close", () => forwarded.destroy());
  });
  server.on("connection", (socket) => socket.unref());
  server.listen(port, "127.0.0.1").unref();
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
