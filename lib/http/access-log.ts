import { LogFormatter, Logger, LogItem } from "@aws-lambda-powertools/logger";
import type { LogAttributes, UnformattedAttributes } from "@aws-lambda-powertools/logger/types";
import type { Request } from "@middy/core";
import { type Part, ServiceError, UpstreamError } from "../errors.ts";
import type { Count, Counts } from "../metrics.ts";
import { logLevel, metricsNamespace } from "../settings.ts";
import type { EndpointEvent, GatewayResponse, Middleware } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";

/**
 * Writes level, time, message and the attributes that are given, and nothing of what Powertools adds. The time of a line
 * that metrics are made of stands with these.
 */
class LineFormatter extends LogFormatter {
  override formatAttributes(line: UnformattedAttributes, attributes: LogAttributes): LogItem {
    const { logLevel: level, timestamp, message } = line;
    const time = attributes._aws ? {} : { timestamp: timestamp.toISOString() };
    return new LogItem({ attributes: { level, ...time, message, ...attributes } });
  }
}

/** Writes plain JSON as it is: a replacer that looks at each value would be what most of a line with metrics costs. */
class LineLogger extends Logger {
  protected override getJsonReplacer() {
    return undefined as never;
  }
}

/** Writes the lines of the log. */
export const logger = new LineLogger({ logFormatter: new LineFormatter(), logLevel: logLevel() });

/** The count of a request that fails as a dependency of the service is down. */
const PARTS: Record<Part, Count> = {
  tokens: "TokenChecksFailed",
  links: "LinkKeysFailed",
  start: "StartsFailed",
};

/** How long the names of projects, resources and servers may be in a line: what their ids are, or nearly. */
const LONGEST: Record<string, number> = { project: 64, id: 36, server: 48 };

/** The beginning of a text that an id or a host name could be. */
const NAME = /^[\w.:-]*/;

let coldStart = true;

/** Measurements of a request, by the function that answers it. */
interface Measured {
  FunctionName: string;
  /** In ms. */
  Latency: number;
  /** Only of a container's first request. */
  ColdStart?: 1;
}

const NAMESPACE = metricsNamespace();

/** The name of AWS Lambda's own dimension, so that both kinds of metrics stand beside each other. */
const DIMENSION = "FunctionName";

/**
 * Middleware, the outermost: gives every response its `x-openstack-request-id` and writes one line for every request
 * (id, route, what it names, status, and its numbers, of which CloudWatch makes metrics), of at most 800 bytes; a second
 * one for a response of 500 and above, with the error's name and place, and its count. Never a token, a body or a value
 * of a field. The setting `logLevel` may leave out the first, or both.
 */
export function accessLog({ failuresCount }: EndpointSpec): Middleware {
  const finish = ({ event, response, error, context }: Request<EndpointEvent, GatewayResponse>): void => {
    // The id of a request as its caller sees it: the UUID that Lambda gave the invocation.
    const request_id = `req-${context.awsRequestId}`;
    if (response) response.headers["x-openstack-request-id"] = request_id;
    const { at, coldStart } = event.arrival;
    const ofFailure = failuresCount ? { [failuresCount]: 1 } : {};
    logger.info("request", {
      request_id,
      route: event.routeKey,
      ...namesIn(event, response),
      status: response?.statusCode,
      ...embeddedMetrics(error ? ofFailure : (event.counts ?? {}), {
        FunctionName: context.functionName,
        Latency: Math.round((performance.now() - at) * 10) / 10,
        ...(coldStart && { ColdStart: 1 }),
      }),
    });
    if (error) logFault(error, response?.statusCode ?? 0, request_id);
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

/**
 * Numbers as members of a line of the log. Where a stage has metrics, CloudWatch makes metrics of them when it takes in
 * the line: it is in CloudWatch's embedded metric format.
 * @param counts metrics without a dimension; zero values are omitted
 * @param measured metrics of the function
 */
export function embeddedMetrics(counts: Counts, measured?: Measured): object {
  const counted = Object.fromEntries(Object.entries(counts).filter(([, times]) => times > 0));
  const numbers = { ...measured, ...counted };
  if (NAMESPACE === undefined) return numbers;
  const directives = [directive([], counted)];
  if (measured) directives.push(directive([DIMENSION], measured));
  const CloudWatchMetrics = directives.filter(({ Metrics }) => Metrics.length > 0);
  return { ...numbers, _aws: { Timestamp: Date.now(), CloudWatchMetrics } };
}

/** Names the members of which CloudWatch makes metrics, and their units. */
function directive(dimensions: string[], values: object) {
  const names = Object.keys(values).filter((name) => !dimensions.includes(name));
  const Metrics = names.map((Name) => ({ Name, Unit: Name === "Latency" ? "Milliseconds" : "Count" }));
  return { Namespace: NAMESPACE, Dimensions: [dimensions], Metrics };
}

function logFault(error: Error, status: number, request_id: string): void {
  const cause = error.cause instanceof Error ? error.cause : error;
  if (status >= 500) {
    const part = error instanceof ServiceError ? error.part : undefined;
    const counts = embeddedMetrics({ ServerErrors: 1, ...(part && { [PARTS[part]]: 1 }) });
    logger.error("fault", { request_id, ...described(cause), ...counts });
  } else if (cause instanceof UpstreamError) {
    logger.warn(`Keystone answered ${cause.status}: a token of a trust cannot validate itself`, {
      request_id,
    });
  }
}

/**
 * The project, the resource and the server that a request names, by its path or its link; and the resource that it has
 * made. Callers write what they like: it is cut where no id or host name goes on. Absent ones are left out here, as each
 * attribute takes the logger its time.
 */
function namesIn(
  { pathParameters: path, claims }: EndpointEvent,
  response: GatewayResponse | null | undefined,
): LogAttributes {
  const named = {
    project: path?.project_id ?? claims?.project,
    id: path?.id ?? claims?.deployment ?? response?.headers.location?.split("/").at(-1),
    server: path?.server_id ?? claims?.server,
  };
  const names: LogAttributes = {};
  for (const [kind, name] of Object.entries(named))
    if (typeof name === "string") names[kind] = NAME.exec(name.slice(0, LONGEST[kind]))?.[0];
  return names;
}

/**
 * The attributes of an error: its name, where it was thrown, and the status of a service that was asked. Its message is
 * left out, since messages of parsers and of the SDK quote what they were given.
 */
function described(error: Error): LogAttributes {
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  const upstream = error instanceof UpstreamError ? { upstream_status: error.status } : {};
  return { error: error.name, ...upstream, frames: frames.slice(0, 8) };
}
