import type { Request } from "@middy/core";
import type { EndpointEvent, GatewayResponse, Middleware } from "./event.ts";

/** Middleware: a HEAD is answered as the GET of the same address, without the body. */
export function head(): Middleware {
  return { after: withoutBody, onError: withoutBody };
}

function withoutBody({ event, response }: Request<EndpointEvent, GatewayResponse>): void {
  if (response && event.requestContext.http.method === "HEAD") response.body = "";
}
