import type { GatewayResponse } from "./event.ts";

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
 * The result of an endpoint as API Gateway takes it: a `Reply` as it says, nothing as 204, all else as JSON.
 * @param status of a JSON response
 * @param render renders a JSON body as the client reads it
 */
export function gatewayResponse(
  result: Reply | object | undefined,
  status = 200,
  render?: (body: object) => object,
): GatewayResponse {
  if (!(result instanceof Reply))
    return gatewayResponse(new Reply(result ? status : 204, {}, result), status, render);
  const { headers, body } = result;
  if (body instanceof Uint8Array)
    return {
      statusCode: result.status,
      headers,
      body: Buffer.from(body).toString("base64"),
      isBase64Encoded: true,
    };
  return {
    statusCode: result.status,
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
    body: body ? JSON.stringify(render ? render(body) : body) : "",
  };
}
