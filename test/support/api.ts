import { gunzipSync } from "node:zlib";
import { inject } from "vitest";
import { clockHeader } from "./clock.ts";
import { checkDocumented } from "./documented.ts";
import {
  type Call,
  gatewayEvent,
  headersOf,
  lambdaContext,
  matching,
  payload,
  type Reply,
} from "./gateway.ts";
import { handlerOf } from "./handlers.ts";
import "./context.ts";

export type { Call, Reply };

const parsed = (text: string, { "content-type": type = "" }: Record<string, string>): unknown =>
  text === "" || type.startsWith("text/") ? undefined : JSON.parse(text);

/** A body as its caller reads it. */
const decoded = (
  body: string,
  isBase64Encoded: boolean,
  { "content-encoding": encoding }: Record<string, string>,
) => {
  if (!isBase64Encoded) return body;
  const bytes = Buffer.from(body, "base64");
  return (encoding === "gzip" && bytes.length > 0 ? gunzipSync(bytes) : bytes).toString();
};

const inProcess = async (method: string, target: string, call: Call): Promise<Reply> => {
  const event = gatewayEvent(method, target, call);
  const [path = ""] = target.split("?");
  const { route } = matching(method, path);
  const handler = await handlerOf(route);
  const {
    statusCode = 200,
    body = "",
    isBase64Encoded = false,
    ...more
  } = await handler(event, lambdaContext(undefined, route.name));
  const headers = more.headers as Record<string, string>;
  const text = decoded(body, isBase64Encoded, headers);
  return { status: statusCode, headers, text, json: parsed(text, headers) };
};

const overHttp = async (url: string, method: string, target: string, call: Call): Promise<Reply> => {
  const body = payload(call.body) ?? null;
  const response = await fetch(`${url}${target}`, {
    method,
    headers: { ...headersOf(call), ...clockHeader() },
    body: body as string | null,
  });
  const text = await response.text();
  const answered = Object.fromEntries(response.headers);
  return { status: response.status, headers: answered, text, json: parsed(text, answered) };
};

/** The service that requests go to; undefined where handlers run in process. */
export const apiUrl: string | undefined = inject("apiUrl");

/**
 * Makes a request: to the running service where there is one, else to the handler itself. Holds it and its answer
 * against the API's description.
 */
export const request = async (method: string, target: string, call: Call = {}): Promise<Reply> => {
  const reply = await (apiUrl ? overHttp(apiUrl, method, target, call) : inProcess(method, target, call));
  checkDocumented({ method, target, call }, reply, apiUrl === undefined);
  return reply;
};
