/**
 * The service behind plain `node:http`, without the simulator of API Gateway: for what needs a process of its own that
 * starts at once and may be killed, and for load. It prints its address. Its environment is a function's.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gatewayEvent, lambdaContext, matching } from "./gateway.ts";
import { handlerOf } from "./handlers.ts";

const server = createServer(async (request, response) => {
  const { method = "GET", url = "/" } = request;
  const body = await buffer(request);
  const event = gatewayEvent(method, url, {
    headers: request.headers as Record<string, string>,
    ...(body.byteLength > 0 && { body: body.toString() }),
  });
  const { route } = matching(method, event.rawPath);
  const handler = await handlerOf(route);
  const {
    statusCode,
    headers = {},
    body: answer,
  } = await handler(event, lambdaContext(undefined, route.name));
  response.writeHead(statusCode ?? 500, headers as Record<string, string>).end(answer);
});

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
