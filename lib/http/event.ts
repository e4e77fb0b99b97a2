import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { SignedLink } from "../link/signed-link.ts";
import type { Counts } from "../metrics.ts";

/** The caller, as far as an endpoint needs to know. */
export interface Caller<Link extends SignedLink | undefined = SignedLink | undefined> {
  /** The project that is acted on: the token's own, or the owner's for a delegated tenant. */
  projectId: string;
  /** The token's project, when that is another one: the caller is a delegated tenant. */
  delegateProjectId?: string;
  /** Whether the caller may change things, and not only read them. */
  mayWrite: boolean;
  /** The signed link by which the caller came, where the endpoint takes one. */
  link: Link;
}

/** API Gateway's event (payload format 2.0), and what the chain adds to it. */
export interface EndpointEvent extends Omit<APIGatewayProxyEventV2, "body"> {
  /** The body's text, and behind `jsonBody` its JSON value. */
  body?: unknown;
  /** Added by `accessLog`: when the request came, in ms by the container's clock, and whether it is the first there. */
  arrival: { at: number; coldStart: boolean };
  /** Added by `authorize` and `authorizeLink`. */
  caller?: Caller;
  /** Added by `authorizeLink`: what a link says of itself, whether it holds or not. For the log alone. */
  claims?: Record<string, unknown>;
  /** Added by `jsonBody`: the body's text, in which numbers have all their digits. */
  bodyText: string;
  /** Added by `validate`. */
  input: { path: unknown; query: unknown; body: unknown; idempotencyKey: string | undefined };
  /** Added by `warnings`: the value of the response's `Warning` header. */
  warning?: string;
  /** Added by the endpoint: what it has done that is counted. */
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

/** The ways in which one client differs from all others (`clients/`). */
export interface ClientQuirks {
  /** Renders a response's body as the client reads it. */
  render: (body: object) => object;
  /** The same of one resource of a list. It may take more of a response than others are shown. */
  renderResource: (resource: object) => object;
  /** A value as the client sends it back that was shown it. */
  echo: (value: unknown) => unknown;
}

/** A step of the chain. */
export type Middleware = MiddlewareObj<EndpointEvent, GatewayResponse>;

/**
 * Who may call an endpoint: the steps that have to let a request through; none where anyone may.
 * @typeParam Link the signed link by which callers come; undefined where they come by a token, or without anything
 */
export interface Access<Link extends SignedLink | undefined = undefined> extends Array<Middleware> {
  /** Never set: it tells the type of `Caller.link`. */
  link?: Link;
}

/** Who may call: anyone. */
export const byAnyone: Access = [];

/** The query of a request; of a parameter that comes twice the last counts. API Gateway joins its values with commas. */
export function queryOf({ rawQueryString }: EndpointEvent): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(rawQueryString));
}
