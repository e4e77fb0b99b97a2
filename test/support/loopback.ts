import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A small HTTP server on loopback, for what stands at the service's far edge. */
export interface Loopback {
  url: string;
  /** The requests it was sent, in order. */
  requests: IncomingMessage[];
  close: () => Promise<void>;
}

/** Starts a server that answers by `listener`; on `port`, or on a free one. */
export const loopback = async (listener: RequestListener, port = 0): Promise<Loopback> => {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
};
