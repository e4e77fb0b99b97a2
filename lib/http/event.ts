import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { Capability } from "../auth/capability.ts";

/** Who calls, as far as an endpoint needs to know. */
export interface Caller {
  /** The project that is acted on: the token's own, or the owner's for a delegated tenant. */
  projectId: string;
  /** The token's project, when that is another one: the caller is a delegated tenant. */
  delegate?: string;
  /** Whether the caller may change things, and not only read them. */
  mayWrite: boolean;
  /** What the link that the caller came by allows, when it was one. */
  capability?: Capability;
}

/** API Gateway's event (payload format 2.0) and what the chain adds to it. */
export interface EndpointEvent extends APIGatewayProxyEventV2 {
  /** Added by `accessLog`: when the request began, by the container's clock in ms, and whether it is its first. */
  begun: { started: number; cold: boolean };
  /** Added by `authorize`. */
  caller?: Caller;
  /** Added by `validate`. */
  input: { path: unknown; query: unknown; body: unknown; idempotencyKey: string | undefined };
  /** Added by `hints`: what the answer's `Warning` is to say. */
  warning?: string;
}

/** Who may call an endpoint: what has to let a request through; nothing where anyone may. */
export type Access = MiddlewareObj<EndpointEvent, Answer>[];

/** Who may call: anyone. */
export const byAnyone: Access = [];

/** An answer to API Gateway. */
export interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}
