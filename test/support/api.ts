import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { inject } from "vitest";
import { type Route, routes } from "./serverless.ts";
import "./context.ts";

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

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

const headersOf = ({ token, headers }: Call): Record<string, string> => ({
  "content-type": "application/json",
  ...(token !== undefined && { "x-auth-token": token }),
  ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
});

const payload = (body: unknown): string | Uint8Array | undefined =>
  body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);

const matching = (method: string, path: string): { route: Route; parameters?: Record<string, string> } => {
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

/** Lambda's context, reduced likewise. @param remaining ms until the function's timeout */
export const lambdaContext = (remaining = 10_000): Context => {
  const end = Date.now() + remaining;
  return {
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => end - Date.now(),
  } as Context;
};

const parsed = (text: string): unknown => (text === "" ? undefined : JSON.parse(text));

const inProcess = async (method: string, target: string, call: Call): Promise<Reply> => {
  const event = gatewayEvent(method, target, call);
  const { route } = matching(method, event.rawPath);
  const handlers = (await import(
    /* @vite-ignore */ new URL(`../../${route.file}.ts`, import.meta.url).href
  )) as Record<string, Handler>;
  const handler = handlers[route.exported];
  if (!handler) throw new Error(`${route.file} exports no ${route.exported}`);
  const { statusCode = 200, headers = {}, body = "" } = await handler(event, lambdaContext());
  return { status: statusCode, headers: headers as Record<string, string>, text: body, json: parsed(body) };
};

const overHttp = async (url: string, method: string, target: string, call: Call): Promise<Reply> => {
  const body = payload(call.body) ?? null;
  const response = await fetch(`${url}${target}`, {
    method,
    headers: headersOf(call),
    body: body as string | null,
  });
  const text = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), text, json: parsed(text) };
};

/** The service that requests go to; undefined where handlers run in process. */
export const apiUrl: string | undefined = process.env.API_URL ?? inject("apiUrl");

/** Makes a request: to the running service where there is one, else to the handler itself. */
export const request = (method: string, target: string, call: Call = {}): Promise<Reply> =>
  apiUrl ? overHttp(apiUrl, method, target, call) : inProcess(method, target, call);
