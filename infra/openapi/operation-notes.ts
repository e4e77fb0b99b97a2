import type { ErrorKind } from "../../lib/errors.ts";

/** The API's description of an endpoint, beside its shapes and the comment at its handler. */
export interface OperationNotes {
  /** The faults that it answers beside those that follow from its shapes, and from who may call it. */
  faults?: ErrorKind[];
  /** The headers by which callers make it conditional. */
  requestHeaders?: ("If-Match" | "If-None-Match" | "If-Modified-Since")[];
  /** The headers that its response may have beside those that every response has. */
  responseHeaders?: string[];
  /** A request whose real answer is the document's example. A server has collected a deployment by then. */
  example?: (world: ExampleWorld) => ExampleCall;
  /** The media type of its response, where that is not JSON, for which `response` is absent. */
  mediaType?: string;
}

/** The resources and links that exist when an example's request is made. */
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
