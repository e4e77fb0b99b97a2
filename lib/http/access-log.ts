import { LogFormatter, Logger, LogItem } from "@aws-lambda-powertools/logger";
import type { LogAttributes, UnformattedAttributes } from "@aws-lambda-powertools/logger/types";
import type { Request } from "@middy/core";
import { UpstreamError } from "../errors.ts";
import { logLevel } from "../settings.ts";
import type { EndpointEvent, GatewayResponse, Middleware } from "./event.ts";

/** Writes level, time, message and the attributes that are given, and nothing of what Powertools adds. */
class LineFormatter extends LogFormatter {
  override formatAttributes(line: UnformattedAttributes, attributes: LogAttributes): LogItem {
    const { logLevel: level, timestamp, message } = line;
    return new LogItem({ attributes: { level, timestamp: timestamp.toISOString(), message, ...attributes } });
  }
}

const logger = new Logger({ logFormatter: new LineFormatter(), logLevel: logLevel() });

let coldStart = true;

/**
 * Middleware, the outermost: gives every response its `x-openstack-request-id` and writes one line for every request
 * (id, route, project, status, duration in ms, cold start), under 400 bytes; a second one, with the error's name and
 * place, for a response of 500 and above. Never a token, a body or a value of a field. The setting `logLevel` may leave
 * out the first, or both.
 */
export function accessLog(): Middleware {
  const finish = (request: Request<EndpointEvent, GatewayResponse>): void => {
    if (request.response) request.response.headers["x-openstack-request-id"] = requestIdOf(request);
    log(request);
  };
  return {
    before: ({ event }) => {
      event.arrival = { at: performance.now(), coldStart };
      coldStart = false;
    },
    after: finish,
    onError: finish,
  };
}

function log(request: Request<EndpointEvent, GatewayResponse>): void {
  const { event, response, error } = request;
  const request_id = requestIdOf(request);
  const status = response?.statusCode;
  logger.info("request", {
    request_id,
    route: event.routeKey,
    project: event.pathParameters?.project_id?.match(/^[\w-]{0,64}/)?.[0],
    status,
    duration_ms: Math.round((performance.now() - event.arrival.at) * 10) / 10,
    cold_start: event.arrival.coldStart,
  });
  const cause = error?.cause instanceof Error ? error.cause : error;
  if (cause && status !== undefined && status >= 500)
    logger.error("fault", { request_id, ...described(cause) });
  else if (cause instanceof UpstreamError)
    logger.warn(`Keystone answered ${cause.status}: a token of a trust cannot validate itself`, {
      request_id,
    });
}

/** The id of a request as its caller sees it: `req-` and the UUID that Lambda gave the invocation. */
function requestIdOf({ context }: Request<EndpointEvent, GatewayResponse>): string {
  return `req-${context.awsRequestId}`;
}

/**
 * What is logged of an error: its name, where it was thrown, and the status of a service that was asked. Its message is left out, since messages of parsers and
 * of the SDK quote what they were given.
 */
function described(error: Error): LogAttributes {
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  const upstream = error instanceof UpstreamError ? { upstream_status: error.status } : {};
  return { error: error.name, ...upstream, frames: frames.slice(0, 8) };
}
