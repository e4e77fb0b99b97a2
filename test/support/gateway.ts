import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { METRICS_NAMESPACE } from "../../infra/local/stage.ts";
import { type Route, routes } from "../../infra/route-table.ts";
import { FUNCTION_TIMEOUT } from "../../lib/times.ts";

/** A request as a caller makes it. */
export interface Call {
  token?: string;
  headers?: Record<string, string>;
  /** Sent as it is when a text or bytes, else as JSON. */
  body?: unknown;
}

/** What the caller gets. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** The answer's JSON; undefined for an empty answer. */
  json: any;
}

/** The headers of a request: JSON unless told otherwise. */
export const headersOf = ({ token, headers }: Call): Record<string, string> => ({
  "content-type": "application/json",
  ...(token !== undefined && { "x-auth-token": token }),
  ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
});

/** A body as it is sent. */
export const payload = (body: unknown): string | Uint8Array | undefined =>
  body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);

/** The line of the route table that takes a request, and its path parameters. */
export const matching = (
  method: string,
  path: string,
): { route: Route; parameters?: Record<string, string> } => {
  for (const route of routes.filter((candidate) => candidate.method === method)) {
    const groups = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`).exec(path)?.groups;
    const match = route.path === path || groups !== undefined;
    const decoded = Object.entries(groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
    if (match) return { route, parameters: Object.fromEntries(decoded) };
  }
  const fallback = routes.find((candidate) => candidate.method === "*");
  if (!fallback) throw new Error("serverless.yml has no route for everything else");
  return { route: fallback };
};

/** API Gateway's event for a request (payload format 2.0), reduced to the fields that functions may read. */
export const gatewayEvent = (method: string, target: string, call: Call): APIGatewayProxyEventV2 => {
  const [path = "", query = ""] = target.split("?");
  const { route, parameters } = matching(method, path);
  const body = payload(call.body);
  const isBase64Encoded = body instanceof Uint8Array;
  const routeKey = route.method === "*" ? "$default" : `${route.method} ${route.path}`;
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers: headersOf(call),
    pathParameters: parameters,
    queryStringParameters: query ? Object.fromEntries(new URLSearchParams(query)) : undefined,
    requestContext: { routeKey, domainName: "abc123.execute-api.example.com", http: { method, path } },
    body: isBase64Encoded ? Buffer.from(body).toString("base64") : body,
    isBase64Encoded,
  } as unknown as APIGatewayProxyEventV2;
};

/**
 * Lambda's context, reduced likewise.
 * @param remaining ms until the function's timeout
 * @param name the function's in `serverless.yml`
 */
export const lambdaContext = (
  remaining = FUNCTION_TIMEOUT * 1_000,
  name = "createSoftwareDeployment",
): Context => {
  const end = Date.now() + remaining;
  return {
    awsRequestId: crypto.randomUUID(),
    functionName: `${METRICS_NAMESPACE}-${name}`,
    getRemainingTimeInMillis: () => end - Date.now(),
  } as Context;
};
