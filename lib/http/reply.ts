import type { GatewayResponse } from "./event.ts";

/** An endpoint's response that says more than its body: a status and headers of its own. */
export class Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Sent as JSON, but for bytes, whose headers say what they are. */
  readonly body: object | undefined;

  constructor(status: number, headers: Record<string, string>, body?: object) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/**
 * What an endpoint returns, as API Gateway takes it: a `Reply` as it says, nothing as 204, all else as JSON.
 * @param status of a JSON response
 */
export function gatewayResponse(result: Reply | object | undefined, status = 200): GatewayResponse {
  if (!(result instanceof Reply)) return gatewayResponse(new Reply(result ? status : 204, {}, result));
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
    body: body ? JSON.stringify(body) : "",
  };
}
