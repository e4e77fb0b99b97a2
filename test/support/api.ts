import { inject } from "vitest";
import { type Call, gatewayEvent, headersOf, lambdaContext, matching, payload } from "./gateway.ts";
import { handlerOf } from "./handlers.ts";
import "./context.ts";

export type { Call };

/** What the caller gets. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** The answer's JSON; undefined for an empty answer. */
  json: any;
}

const parsed = (text: string): unknown => (text === "" ? undefined : JSON.parse(text));

const inProcess = async (method: string, target: string, call: Call): Promise<Reply> => {
  const event = gatewayEvent(method, target, call);
  const { route } = matching(method, event.rawPath);
  const handler = await handlerOf(route);
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
export const apiUrl: string | undefined = inject("apiUrl");

/** Makes a request: to the running service where there is one, else to the handler itself. */
export const request = (method: string, target: string, call: Call = {}): Promise<Reply> =>
  apiUrl ? overHttp(apiUrl, method, target, call) : inProcess(method, target, call);
