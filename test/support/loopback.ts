import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

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

/** Sends a call of the AWS SDK on to `target`, with another body where it has changed. @returns its status and answer */
export const forward = async (
  target: string,
  request: IncomingMessage,
  body: string | Buffer,
): Promise<[status: number, answer: Buffer]> =>
  new Promise((resolve, reject) => {
    const { "content-length": _, host: __, ...headers } = request.headers;
    const onward = httpRequest(target, { method: "POST", headers }, async (response) => {
      resolve([response.statusCode ?? 500, await buffer(response)]);
    });
    onward.on("error", reject);
    onward.end(body);
  });
