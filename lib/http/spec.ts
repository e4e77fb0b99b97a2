import type * as z from "zod/mini";
import type { ErrorKind } from "../errors.ts";
import type { SignedLink } from "../link/signed-link.ts";
import type { Count } from "../metrics.ts";
import type { Access } from "./event.ts";

/** A shape, or none. */
export type Schema = z.ZodMiniType | undefined;

/** The shapes and the access of an endpoint. */
export interface EndpointSpec<
  Path extends Schema = Schema,
  Query extends Schema = Schema,
  Body extends Schema = Schema,
  Response extends Schema = Schema,
  Batch extends Schema = Schema,
  Link extends SignedLink | undefined = SignedLink | undefined,
> {
  access: Access<Link>;
  path?: Path;
  query?: Query;
  /** The body's shape. Without one, a body is ignored. */
  body?: Body;
  /** The shape of an array as the body, if the endpoint takes one too. */
  batch?: Batch;
  /** Whether any content type is accepted, and a missing body as `{}`: agents send such requests. */
  lenientBody?: true;
  /** Whether requests may have an `Idempotency-Key`. */
  idempotent?: true;
  /** An additional metric for requests that fail. */
  failuresCount?: Count;
  /** The response's shape, for types, tests and the API's document; absent for 204. */
  response?: Response;
  /** The status of a success, if it is neither 200 nor 204. */
  status?: number;
}

/**
 * The notes on an endpoint for the API's document, in addition to its shapes and the comment at its handler. The
 * running service does not read them.
 */
export interface OperationNotes {
  /** The faults that do not follow from its shapes and its access. */
  faults?: ErrorKind[];
  /** The headers of conditional requests. */
  requestHeaders?: ("If-Match" | "If-None-Match" | "If-Modified-Since")[];
  /** The headers of its response that not every response has. */
  responseHeaders?: string[];
  /** The request whose actual response is the document's example. A server has collected a deployment by then. */
  example?: (world: ExampleWorld) => ExampleCall;
  /** The media type of a response that is not JSON; `response` is absent then. */
  mediaType?: string;
}

/** The resources that exist when an example's request is made. */
export interface ExampleWorld {
  project_id: string;
  server_id: string;
  config_id: string;
  /** A configuration that no deployment refers to. */
  unused_config_id: string;
  deployment_id: string;
  /** The signed links of the server and of its delivery. */
  collect: string;
  signal: string;
}

/** The request of an example. */
export interface ExampleCall {
  path?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
}
