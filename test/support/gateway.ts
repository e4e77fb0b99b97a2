import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { METRICS_NAMESPACE } from "../../infra/local/stage.ts";
import { type Route, routes } from "../../infra/serverless/route-table.ts";

/** A request as a caller makes it. */
export interface Call {
  token?: string;
  headers?: Record<string, string>;
  /** Sent as it is when a text or bytes, else as JSON. */
  body?: unknown;
}

/** The response that the caller gets. */
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

/** A route that requests are matched by: of the route table, or of a packaged template. */
export type GatewayRoute = Pick<Route, "name" | "method" | "path">;

/** The route that takes a request, and its path parameters. */
export interface Match<One extends GatewayRoute> {
  route: One;
  parameters?: Record<string, string>;
}

/** The line of the route table that takes a request. */
export const matching = (method: string, path: string): Match<Route> => matchingIn(routes, method, path);

/**
 * The route of a table that takes a request, by its path as it was sent: an encoded slash reaches its endpoint, and what
 * that says of it. A gateway may decode it before, and so find no route. The one for everything else where no other
 * does.
 * @throws URIError for a path that cannot be decoded
 */
export const matchingIn = <One extends GatewayRoute>(
  table: One[],
  method: string,
  path: string,
): Match<One> => {
  for (const route of table.filter((candidate) => candidate.method === method)) {
    const groups = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`).exec(path)?.groups;
    const match = route.path === path || groups !== undefined;
    const decoded = Object.entries(groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]);
    if (match) return { route, parameters: Object.fromEntries(decoded) };
  }
  const fallback = table.find((candidate) => candidate.method === "*");
  if (!fallback) throw new Error("There is no route for everything else.");
  return { route: fallback };
};

/** API Gateway's event for a request that a test makes. */
export const gatewayEvent = (method: string, target: string, call: Call): APIGatewayProxyEventV2 => {
  const [path = ""] = target.split("?");
  const body = payload(call.body);
  const headers = Object.entries(headersOf(call));
  return eventOf({ method, target, headers, body }, matching(method, path));
};

/** A request as it reaches API Gateway. */
export interface Arrived {
  method: string;
  target: string;
  /** In the order in which they came; a name may come twice, in any case. */
  headers: [name: string, value: string][];
  body: Uint8Array | string | undefined;
}

/**
 * API Gateway's event for a request (payload format 2.0): names of headers in lower case, what comes twice joined, cookies
 * by themselves, the path decoded, the body in base64 unless its type is one of text.
 */
export const eventOf = (
  { method, target, headers, body }: Arrived,
  { route, parameters }: Match<GatewayRoute>,
): APIGatewayProxyEventV2 => {
  const [path = "", query = ""] = target.split("?");
  const routeKey = route.method === "*" ? "$default" : `${route.method} ${route.path}`;
  const { cookie, ...named } = joined(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return {
    version: "2.0",
    routeKey,
    rawPath: decodeURIComponent(path),
    rawQueryString: query,
    ...(cookie !== undefined && { cookies: cookie.split(/[;,] */) }),
    headers: { host: DOMAIN_NAME, ...named, ...FORWARDED },
    ...(query && { queryStringParameters: joined([...new URLSearchParams(query)]) }),
    ...(parameters && Object.keys(parameters).length > 0 && { pathParameters: parameters }),
    requestContext: contextOf(routeKey, method, decodeURIComponent(path), named["user-agent"]),
    ...bodyOf(body, named["content-type"]),
  };
};

const DOMAIN_NAME = "abc123.execute-api.example.com";

/** Where callers come from: one of the addresses that are kept for examples. */
const SOURCE_IP = "192.0.2.1";

/** API Gateway's own description of its caller, whatever that says of itself. */
const FORWARDED = {
  "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
  "x-forwarded-for": SOURCE_IP,
  "x-forwarded-port": "443",
  "x-forwarded-proto": "https",
};

/** Values by their names, those of one name joined by commas. */
const joined = (pairs: [name: string, value: string][]): Record<string, string> => {
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(values);
};

const contextOf = (routeKey: string, method: string, path: string, userAgent = "") => ({
  accountId: "123456789012",
  apiId: "abc123",
  domainName: DOMAIN_NAME,
  domainPrefix: "abc123",
  http: { method, path, protocol: "HTTP/1.1", sourceIp: SOURCE_IP, userAgent },
  requestId: "JKJaXmPLvHcESHA=",
  routeKey,
  stage: "$default",
  ...timesOf(new Date()),
});

/** A moment as API Gateway tells it: `24/Nov/2026:18:03:09 +0000`, and in ms. */
const timesOf = (moment: Date) => {
  const [, day, month, year, clock] = moment.toUTCString().split(" ");
  return { time: `${day}/${month}/${year}:${clock} +0000`, timeEpoch: moment.getTime() };
};

/** The types of a body that travels as text; a form does not, nor a body without a type. */
const TEXT = /^(text\/[^;]+|application\/(json|xml|javascript))\s*(;|$)/i;

const bodyOf = (body: Uint8Array | string | undefined, contentType = "") => {
  if (body === undefined || body.length === 0) return { isBase64Encoded: false };
  const isBase64Encoded = !TEXT.test(contentType);
  return { body: Buffer.from(body).toString(isBase64Encoded ? "base64" : "utf8"), isBase64Encoded };
};

/**
 * Lambda's context, reduced likewise.
 * @param remaining ms until the function's timeout; by default more than any test needs
 * @param name the function's in `serverless.yml`
 */
export const lambdaContext = (remaining = 600_000, name = "createSoftwareDeployment"): Context => {
  const end = Date.now() + remaining;
  return {
    awsRequestId: crypto.randomUUID(),
    functionName: `${METRICS_NAMESPACE}-${name}`,
    getRemainingTimeInMillis: () => end - Date.now(),
  } as Context;
};
