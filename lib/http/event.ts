import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { JsonText } from "../json/json-text.ts";
import type { SignedLink } from "../link/signed-link.ts";
import type { Counts } from "../metrics.ts";

/** The caller of an endpoint. */
export interface Caller<Link extends SignedLink | undefined = SignedLink | undefined> {
  /** The project whose resources are read and changed: the path's, or the signed link's. */
  projectId: string;
  /** The token's project, if the caller is a delegated tenant. */
  delegateProjectId?: string;
  /** Whether the caller may change resources, not only read them. */
  mayWrite: boolean;
  /** The signed link of the request, if the endpoint takes one. */
  link: Link;
}

/** API Gateway's event (payload format 2.0), and the members that the chain adds to it. */
export interface EndpointEvent extends Omit<APIGatewayProxyEventV2, "body"> {
  /** The body's text; after `jsonBody` its JSON value. */
  body?: unknown;
  /** Added by `accessLog`: arrival in ms of `performance.now()`, and whether it is the container's first request. */
  arrival: { at: number; coldStart: boolean };
  /** Added by `authorize` and `authorizeLink`. */
  caller?: Caller;
  /** Added by `authorizeLink`: the content of a genuine link, even if it allows nothing any more. Only for the log. */
  claims?: Record<string, unknown>;
  /** Added by `validate`. */
  input: { path: unknown; query: unknown; body: unknown; idempotencyKey: string | undefined };
  /** Added by `jsonBody`: the warning that the body was probably decoded wrongly. */
  damage?: string;
  /** Added by `warnings`: whether the caller prefers a refusal to warnings. */
  isStrict?: boolean;
  /** Added by `warn`: the sentences of the response's `Warning` header. */
  warnings?: Set<string>;
  /** Added by the endpoint: its business metrics. */
  counts?: Counts;
}

/** A response to API Gateway. */
export interface GatewayResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  /** Whether the body is bytes, in base64. */
  isBase64Encoded?: boolean;
}

/** The differences of one client from all others (`clients/`). */
export interface ClientQuirks {
  /** A name for the client's form, for ETags. */
  form: string;
  /** Renders a response's body in the client's form. */
  render: (body: object) => object;
  /** Renders one resource of a list in the client's form. It may be larger than the original. */
  renderResource: (resource: object) => object;
  /** Maps a value to the form in which the client sends it back. */
  echo: (value: JsonText) => JsonText;
}

/** A step of the chain. */
export type Middleware = MiddlewareObj<EndpointEvent, GatewayResponse>;

/**
 * The access to an endpoint: the middlewares that must let a request through. An empty list lets everybody through.
 * @typeParam Link the kind of signed link that callers use; undefined for tokens, or without credentials
 */
export interface Access<Link extends SignedLink | undefined = undefined> extends Array<Middleware> {
  /** Never set; it only carries the type of `Caller.link`. */
  link?: Link;
}

/** Access for everybody. */
export const byAnyone: Access = [];

/** The query of a request. Of a repeated parameter the last value counts; API Gateway would join them with commas. */
export function queryOf({ rawQueryString }: EndpointEvent): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(rawQueryString));
}
