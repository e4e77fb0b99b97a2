import { writeJson } from "../json/json-text.ts";
import { quirksOf } from "./clients/golangsdk.ts";
import { acceptsGzip, compressed } from "./compression.ts";
import type { EndpointEvent, GatewayResponse } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";
import { warningHeaders } from "./warnings.ts";

/** An endpoint's response with its own status and headers. */
export class Reply {
  declare readonly status: number;
  declare readonly headers: Record<string, string>;
  /** The body: an object is sent as JSON, a `Uint8Array` as bytes whose headers must have a content-type. */
  declare readonly body: object | undefined;

  constructor(status: number, headers: Record<string, string>, body?: object) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/**
 * The response to API Gateway for an endpoint's result: a `Reply`, an object to send as JSON in the client's form, or
 * undefined for 204. A HEAD gets the same headers as a GET, without the body.
 * @param spec the endpoint's; none for a fault
 * @param spec.status the status for an object
 * @param spec.compressed whether a large body is compressed for a caller who accepts gzip
 */
export function gatewayResponse(
  event: EndpointEvent,
  result: Reply | object | undefined,
  spec: Pick<EndpointSpec, "access" | "response" | "status" | "compressed"> = { access: [] },
): GatewayResponse {
  if (!(result instanceof Reply))
    return gatewayResponse(event, new Reply(result ? (spec.status ?? 200) : 204, {}, result), spec);
  const { headers, body } = result;
  const isHead = event.requestContext.http.method === "HEAD";
  if (body instanceof Uint8Array) {
    const base64 = isHead ? "" : Buffer.from(body).toString("base64");
    return { statusCode: result.status, headers, body: base64, isBase64Encoded: true };
  }
  const text = body && !isHead ? writeJson(quirksOf(event)?.render(body) ?? body) : "";
  const gzip =
    spec.compressed && acceptsGzip(event.headers["accept-encoding"]) ? compressed(text) : undefined;
  return {
    statusCode: result.status,
    headers: {
      ...(body && { "content-type": "application/json" }),
      ...headers,
      ...varyHeader(spec),
      ...(gzip && { "content-encoding": "gzip" }),
      ...(result.status < 400 && warningHeaders(event)),
    },
    body: gzip ?? text,
    ...(gzip && { isBase64Encoded: true }),
  };
}

/** The `Vary` header: resources have a form for one client, and large bodies an encoding. */
function varyHeader({
  access,
  response,
  compressed,
}: Pick<EndpointSpec, "access" | "response" | "compressed">) {
  const names = [
    ...(compressed ? ["Accept-Encoding"] : []),
    ...(access.length > 0 && response ? ["User-Agent"] : []),
  ];
  return names.length > 0 ? { vary: names.join(", ") } : {};
}
