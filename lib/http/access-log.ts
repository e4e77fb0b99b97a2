import type { MiddlewareObj, Request } from "@middy/core";
import { logLevel } from "../config.ts";
import type { Answer, EndpointEvent } from "./event.ts";

const LEVEL = logLevel();

/** Writes one line of JSON: level, time, what it is about, and what is known of that. */
const write = (level: "INFO" | "ERROR", message: string, attributes: object): void => {
  const timestamp = new Date().toISOString();
  process.stdout.write(`${JSON.stringify({ level, timestamp, message, ...attributes })}\n`);
};

let coldStart = true;

/** The id of a request as its caller sees it: `req-` and the UUID that Lambda gave the invocation. */
const openstackRequestId = (awsRequestId: string): string => `req-${awsRequestId}`;

/**
 * What is said of an error nobody expected: its name and where it was thrown. Its message is left out, since
 * messages of parsers and of the SDK quote what they were given.
 */
const described = (error: Error): object => ({
  error: error.name,
  frames: (error.stack ?? "")
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .slice(0, 8),
});

const log = (request: Request<EndpointEvent, Answer>, started: number, cold: boolean): void => {
  const { event, context, response, error } = request;
  const request_id = openstackRequestId(context.awsRequestId);
  const status = response?.statusCode;
  if (LEVEL === "INFO") {
    write("INFO", "request", {
      request_id,
      route: event.routeKey,
      project: event.pathParameters?.project_id?.match(/^[\w-]{0,64}/)?.[0],
      status,
      duration_ms: Math.round((performance.now() - started) * 10) / 10,
      cold_start: cold,
    });
  }
  const cause = error?.cause instanceof Error ? error.cause : error;
  if (LEVEL !== "SILENT" && cause && status !== undefined && status >= 500)
    write("ERROR", "fault", { request_id, ...described(cause) });
};

/**
 * Middleware, the outermost: gives every answer its `x-openstack-request-id` and writes one line for every
 * request (id, route, project, status, duration in ms, cold start), under 400 bytes; a second one, with the
 * error's name and place, for an answer of 500 and above. Never a token, a body or a value of a field. `LOG_LEVEL` may
 * leave out the first, or both.
 */
export const accessLog = (): MiddlewareObj<EndpointEvent, Answer> => {
  const finish = (request: Request<EndpointEvent, Answer>): void => {
    const { started, cold } = request.event.begun;
    if (request.response) {
      request.response.headers["x-openstack-request-id"] = openstackRequestId(request.context.awsRequestId);
    }
    log(request, started, cold);
  };
  return {
    before: ({ event }) => {
      event.begun = { started: performance.now(), cold: coldStart };
      coldStart = false;
    },
    after: finish,
    onError: finish,
  };
};
