import { quirksOf } from "./clients/golangsdk.ts";
import type { EndpointEvent, GatewayResponse } from "./event.ts";

/** An endpoint's response that says more than its body: a status and headers of its own. */
export class Reply {
  declare readonly status: number;
  declare readonly headers: Record<string, string>;
  /** Sent as JSON, but for bytes, whose headers say what they are. */
  declare readonly body: object | undefined;

  constructor(status: number, headers: Record<string, string>, body?: object) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/**
 * The result of an endpoint as API Gateway takes it: a `Reply` as it says, nothing as 204, all else as JSON in the form
 * that the client reads. A HEAD is answered as the GET of the same address, without the body.
 * @param status of a JSON response
 */
export function gatewayResponse(
  event: EndpointEvent,
  result: Reply | object | undefined,
  status = 200,
): GatewayResponse {
  if (!(result instanceof Reply))
    return gatewayResponse(event, new Reply(result ? status : 204, {}, result), status);
  const { headers, body } = result;
  const isHead = event.requestContext.http.method === "HEAD";
  if (body instanceof Uint8Array) {
    const base64 = isHead ? "" : Buffer.from(body).toString("base64");
    return { statusCode: result.status, headers, body: base64, isBase64Encoded: true };
  }
  return {
    statusCode: result.status,
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
    body: body && !isHead ? JSON.stringify(quirksOf(event)?.render(body) ?? body) : "",
  };
}
