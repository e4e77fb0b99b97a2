import middy from "@middy/core";
import type { Context } from "aws-lambda";
import type * as z from "zod/mini";
import { publicUrl, tokenSettings } from "../config.ts";
import { ServiceError } from "../errors.ts";
import { accessLog } from "./access-log.ts";
import type { Answer, Caller, EndpointEvent } from "./event.ts";
import { faults } from "./faults.ts";
import { head } from "./head.ts";
import { hints } from "./hints.ts";
import { jsonBody } from "./json-body.ts";
import { type Known, Reply } from "./reply.ts";
import { type Shape, validate } from "./validate.ts";

/** What a handler is given: everything checked. */
export interface Input<Path, Query, Body> extends Caller {
  path: Path;
  query: Query;
  body: Body;
  /** The invocation's id, a UUID. */
  requestId: string;
  /** The service's address as callers know it, for links; never taken from a header. */
  baseUrl: string;
  /** `GET` or `HEAD`, where that makes a difference. */
  method: string;
  /** What the caller knows already, or relies on. */
  known: Known;
  /** By what the caller names this request, where the endpoint takes such a name. */
  idempotencyKey: string | undefined;
  /** How this client reads UTC at the end of a time: `Z`, or nothing (OTC's Go SDK fails on it). */
  zone: "Z" | "";
}

const PUBLIC_URL = publicUrl();

/** Time kept for our own 500 before Lambda ends the invocation, in ms. */
const TIMEOUT_EARLY = 500;

const timedOut = (): never => {
  throw new ServiceError("internal", "The request took too long.");
};

const { keystone, jwt } = tokenSettings();
const challenge = [keystone && `Keystone uri="${keystone.authUrl}"`, jwt && "Bearer"].filter(Boolean);

/**
 * THE ONE CHAIN, outermost first. A caller who is not authorized learns nothing of what the body is checked for,
 * and whatever is thrown becomes a fault. The shape stays readable on the handler.
 */
export const chain = <Checked extends Shape>(
  shape: Checked,
  handler: (event: EndpointEvent, context: Context) => Promise<Answer>,
) =>
  Object.assign(
    middy<EndpointEvent, Answer>(handler, {
      timeoutEarlyInMillis: TIMEOUT_EARLY,
      timeoutEarlyResponse: timedOut,
    })
      .use(accessLog())
      .use(head())
      .use(faults(challenge.join(", ")))
      .use(shape.access)
      .use(shape.body ? [jsonBody(shape.bodyOf === "agent")] : [])
      .use(validate(shape))
      .use(hints(shape)),
    { shape },
  );

const answerOf = (result: unknown, status = 200): Answer => {
  if (result instanceof Reply) {
    const { headers } = answerOf(result.body);
    const body = result.body === undefined ? "" : JSON.stringify(result.body);
    return { statusCode: result.status, headers: { ...headers, ...result.headers }, body };
  }
  return result === undefined
    ? { statusCode: 204, headers: {}, body: "" }
    : { statusCode: status, headers: { "content-type": "application/json" }, body: JSON.stringify(result) };
};

type Parsed<Schema extends z.ZodMiniType | undefined> = Schema extends z.ZodMiniType
  ? z.infer<Schema>
  : undefined;

type BodyOf<Body extends z.ZodMiniType | undefined, Batch extends z.ZodMiniType | undefined> =
  | Parsed<Body>
  | (Batch extends z.ZodMiniType ? z.infer<Batch> : never);

/**
 * Makes the Lambda handler of one endpoint.
 * @param shape what the endpoint takes and answers, and who may call it
 * @param handle the endpoint itself; what it returns is sent as JSON, `undefined` as 204
 */
export const endpoint = <
  Path extends z.ZodMiniType | undefined,
  Query extends z.ZodMiniType | undefined,
  Body extends z.ZodMiniType | undefined,
  Result extends z.ZodMiniType | undefined,
  Batch extends z.ZodMiniType | undefined = undefined,
>(
  shape: Shape<Path, Query, Body, Result, Batch>,
  handle: (input: Input<Parsed<Path>, Parsed<Query>, BodyOf<Body, Batch>>) => Promise<Parsed<Result> | Reply>,
) => {
  const handler = async (event: EndpointEvent, { awsRequestId }: Context): Promise<Answer> => {
    const input = event.input as Pick<
      Parameters<typeof handle>[0],
      "path" | "query" | "body" | "idempotencyKey"
    >;
    const result = await handle({
      ...input,
      ...(event.caller ?? { projectId: "", mayWrite: false }),
      requestId: awsRequestId,
      baseUrl: PUBLIC_URL ?? `https://${event.requestContext.domainName}`,
      method: event.requestContext.http.method,
      known: {
        ifMatch: event.headers["if-match"],
        ifNoneMatch: event.headers["if-none-match"],
        ifModifiedSince: event.headers["if-modified-since"],
      },
      zone: event.headers["user-agent"]?.includes("golangsdk/") ? "" : "Z",
    });
    return answerOf(result, shape.status);
  };
  return chain(shape, handler);
};
