import { LogFormatter, Logger, LogItem } from "@aws-lambda-powertools/logger";
import type { LogAttributes, UnformattedAttributes } from "@aws-lambda-powertools/logger/types";
import type { Request } from "@middy/core";
import { type Dependency, ServiceError, UpstreamError } from "../errors.ts";
import type { Count, Counts } from "../metrics.ts";
import { functionName, logLevel, metricsNamespace } from "../settings.ts";
import type { EndpointEvent, GatewayResponse, Middleware } from "./event.ts";
import type { EndpointSpec } from "./spec.ts";

/** The name of the function, in every line: all functions of a stage write into one log. */
const FunctionName = functionName();

/**
 * The format of a log line: level, time, message, function and the line's attributes, without those that Powertools adds.
 * A line with metrics has its time in them (`_aws`).
 */
class LineFormatter extends LogFormatter {
  override formatAttributes(line: UnformattedAttributes, attributes: LogAttributes): LogItem {
    const { logLevel: level, timestamp, message } = line;
    const time = attributes._aws ? {} : { timestamp: timestamp.toISOString() };
    return new LogItem({ attributes: { level, ...time, message, FunctionName, ...attributes } });
  }
}

/** A logger without a JSON replacer, which would take most of the time of a line with metrics. Lines are plain JSON. */
class LineLogger extends Logger {
  protected override getJsonReplacer() {
    return undefined as never;
  }
}

/** The logger of the service. */
export const logger = new LineLogger({ logFormatter: new LineFormatter(), logLevel: logLevel() });

/** The metric for requests that fail because of a dependency. */
const OUTAGE_COUNTS: Record<Dependency, Count> = {
  tokens: "TokenChecksFailed",
  links: "LinkKeysFailed",
  start: "StartsFailed",
};

/** The most characters of a project, resource and server id in a line. */
const MAX_LENGTHS = { project: 64, id: 36, server: 48 };

/** The beginning of a text, as far as an id or a host name could have these characters. */
const NAME = /^[\w.:-]*/;

/** The form of a system error's name. Node's own codes begin with `ERR_`. */
const ERRNO = /^E(?!RR_)[A-Z0-9_]{2,30}$/;

let coldStart = true;

/** The metrics of a request with a dimension, its function. */
interface Measured {
  FunctionName: string;
  /** The time to answer, in ms. */
  Latency: number;
  /** Only for a container's first request. */
  ColdStart?: 1;
}

const NAMESPACE = metricsNamespace();

/** The dimension of AWS Lambda's own metrics, so that both can be shown together. */
const DIMENSION = "FunctionName";

/**
 * Middleware, the outermost: adds `x-openstack-request-id` to every response and writes one line for every request, of
 * at most 800 bytes: id, route, the ids in its path or link, status, and metrics. Responses of 500 and above get a
 * second line with the error's name, its place in the code, and its count. No line has a token, a body or a value of a
 * field. The setting `logLevel` can turn off the first line, or both.
 */
export function accessLog({ failuresCount }: EndpointSpec): Middleware {
  const finish = ({ event, response, error, context }: Request<EndpointEvent, GatewayResponse>): void => {
    const request_id = `req-${context.awsRequestId}`;
    if (response) response.headers["x-openstack-request-id"] = request_id;
    const { at, coldStart } = event.arrival;
    // Anybody can send what is refused for its credentials.
    const isGenuine = event.caller !== undefined || event.claims !== undefined;
    const failureCounts = failuresCount && isGenuine ? { [failuresCount]: 1 } : {};
    logger.info("request", {
      request_id,
      route: event.routeKey,
      ...namesIn(event, response),
      status: response?.statusCode,
      ...embeddedMetrics(error ? failureCounts : (event.counts ?? {}), {
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
 * The members of a log line with numbers. If the stage has metrics, the line is in CloudWatch's embedded metric format,
 * and CloudWatch makes metrics of them.
 * @param counts metrics without a dimension; zero values are omitted
 * @param measured metrics with the function as their dimension
 */
export function embeddedMetrics(counts: Counts, measured?: Measured): object {
  const counted = Object.fromEntries(Object.entries(counts).filter(([, times]) => times > 0));
  const numbers = { ...measured, ...counted };
  if (NAMESPACE === undefined) return numbers;
  const CloudWatchMetrics = [
    { Dimensions: [[]], names: Object.keys(counted) },
    { Dimensions: [[DIMENSION]], names: Object.keys(measured ?? {}) },
  ]
    .filter(({ names }) => names.length > 0)
    .map(({ Dimensions, names }) => ({
      Namespace: NAMESPACE,
      Dimensions,
      Metrics: names
        .filter((name) => name !== DIMENSION)
        .map((Name) => ({ Name, Unit: Name === "Latency" ? "Milliseconds" : "Count" })),
    }));
  return { ...numbers, _aws: { Timestamp: Date.now(), CloudWatchMetrics } };
}

/** Writes a line for a failure of ours, with its count; nothing for other errors. */
export function logFault(error: Error, status: number, request_id: string): void {
  const cause = error.cause instanceof Error ? error.cause : error;
  if (status >= 500) {
    const dependency = error instanceof ServiceError ? error.dependency : undefined;
    const counts = embeddedMetrics({
      ServerErrors: 1,
      ...(dependency && { [OUTAGE_COUNTS[dependency]]: 1 }),
    });
    logger.error("fault", { request_id, ...described(cause), ...counts });
  } else if (cause instanceof UpstreamError) {
    logger.warn(`Keystone answered ${cause.status}: a token of a trust cannot validate itself`, {
      request_id,
    });
  }
}

/**
 * The project, resource and server of a request, from its path, its link, or the `Location` of its response. They are
 * the caller's texts, so they are cut at the first character that no id or host name has. Absent ones are left out.
 */
function namesIn(
  { pathParameters: path, claims }: EndpointEvent,
  response: GatewayResponse | null | undefined,
): LogAttributes {
  const project = path?.project_id ?? claims?.project;
  const id = path?.id ?? claims?.deployment ?? response?.headers.location?.split("/").at(-1);
  const server = path?.server_id ?? claims?.server;
  return {
    ...(typeof project === "string" && { project: NAME.exec(project.slice(0, MAX_LENGTHS.project))?.[0] }),
    ...(typeof id === "string" && { id: NAME.exec(id.slice(0, MAX_LENGTHS.id))?.[0] }),
    ...(typeof server === "string" && { server: NAME.exec(server.slice(0, MAX_LENGTHS.server))?.[0] }),
  };
}

/**
 * The attributes of an error: its name, its stack's frames, another service's status, and a network error's code. The
 * message is left out, since parsers and the SDK quote their input in it.
 */
function described(error: Error): LogAttributes {
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  const upstream = error instanceof UpstreamError ? { upstream_status: error.status } : {};
  const code = networkCode(error);
  return { error: error.name, ...(code && { code }), ...upstream, frames: frames.slice(0, 8) };
}

/** The code of a network error, such as `ECONNREFUSED`, from an error or its cause; undefined for other codes. */
function networkCode(error: Error): string | undefined {
  return [error, error.cause]
    .map((source) => (source as NodeJS.ErrnoException | undefined)?.code)
    .find((code) => typeof code === "string" && ERRNO.test(code));
}
