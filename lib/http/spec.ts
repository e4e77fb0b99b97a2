import type * as z from "zod/mini";
import type { ErrorKind } from "../errors.ts";
import type { SignedLink } from "../link/signed-link.ts";
import type { Count } from "../metrics.ts";
import type { Access } from "./event.ts";

/** A shape, where an endpoint has one. */
export type Schema = z.ZodMiniType | undefined;

/** What one endpoint takes and answers, and who may call it. */
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
  /** Absent where the endpoint takes no body; one that is sent all the same is ignored. */
  body?: Body;
  /** The body of many at once, where the endpoint takes an array too. */
  batch?: Batch;
  /** Whether the body may have any content type, and no body at all is `{}`: agents send them so. */
  lenientBody?: true;
  /** Whether a caller may give the request an `Idempotency-Key`. */
  idempotent?: true;
  /** What a request that fails is counted as, beside what every endpoint's is. */
  failuresCount?: Count;
  /** What it answers; types and tests read it. Absent for 204. */
  response?: Response;
  /** The status that it answers with, when that is neither 200 nor 204. */
  status?: number;
}

/**
 * What the API's document tells of an endpoint beside its shapes and the comment at its handler. Nothing here is read
 * while the service runs.
 */
export interface OperationNotes {
  /** The faults that it answers beside those that follow from its shapes, and from who may call it. */
  faults?: ErrorKind[];
  /** The headers by which callers make it conditional. */
  requestHeaders?: ("If-Match" | "If-None-Match" | "If-Modified-Since")[];
  /** The headers that its response may have beside those that every response has. */
  responseHeaders?: string[];
  /** A request whose real answer is the document's example. A server has collected a deployment by then. */
  example?: (known: ExampleWorld) => ExampleCall;
  /** The media type of its response, where that is not JSON, for which `response` is absent. */
  mediaType?: string;
}

/** What there is when an example's request is made. */
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
