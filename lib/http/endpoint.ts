import middy from "@middy/core";
import type { Context } from "aws-lambda";
import type * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import type { SignedLink } from "../link/signed-link.ts";
import { COUNTS, type Counts } from "../metrics.ts";
import { publicUrl, tokenSettings } from "../settings.ts";
import { ABORT_MARGIN_MS, withRequestSignal } from "../times.ts";
import { accessLog } from "./access-log.ts";
import { quirksOf } from "./clients/golangsdk.ts";
import type { Caller, EndpointEvent, GatewayResponse } from "./event.ts";
import { faults } from "./faults.ts";
import { jsonBody } from "./json-body.ts";
import { type CheckListSize, checkListSize, type TakePage, takePage } from "./pages.ts";
import type { Preconditions } from "./preconditions.ts";
import { gatewayResponse, type Reply } from "./reply.ts";
import type { EndpointSpec, Schema } from "./spec.ts";
import { start } from "./start.ts";
import { validate } from "./validate.ts";
import { warnings } from "./warnings.ts";

const PUBLIC_URL = publicUrl();

const { keystone, jwt } = tokenSettings();

/** The `WWW-Authenticate` of a 401: how to get a token here. */
const CHALLENGE = [keystone && `Keystone uri="${keystone.authUrl}"`, jwt && "Bearer"]
  .filter(Boolean)
  .join(", ");

/** A request that changes something. */
interface ChangeRequest {
  projectId: string;
  /** The token's project, where the caller is a delegated tenant. */
  delegateProjectId: string | undefined;
  requestId: string;
  now: Date;
  clock: () => Date;
  /** A value as this client sends it back that was shown it; undefined where that is the value itself. */
  echoedByClient: ((value: unknown) => unknown) | undefined;
}

/** The input of an endpoint: everything checked. */
export interface EndpointInput<Path, Query, Body, Link extends SignedLink | undefined> extends Caller<Link> {
  path: Path;
  query: Query;
  body: Body;
  /** The id of the invocation, a UUID. */
  requestId: string;
  /** When the request came. */
  now: Date;
  /** The service's address as callers know it, for links; never taken from a header. */
  baseUrl: string;
  method: string;
  /** The path as it was asked for. */
  rawPath: string;
  preconditions: Preconditions;
  /** The encodings of a response that the caller takes (RFC 9110, 12.5.3). */
  acceptEncoding: string | undefined;
  /** Takes a page of a list, measured as this client reads it. */
  takePage: TakePage;
  /** Refuses a list that would not fit a response, measured as this client reads it. */
  checkListSize: CheckListSize;
  /** The request as a change of something sees it. */
  change: ChangeRequest;
  /** The caller's name for this request, where the endpoint is `idempotent`. */
  idempotencyKey: string | undefined;
  /** Records business metrics: adds to those recorded before. Dropped if the request fails. */
  count: (counts: Counts) => void;
}

type Parsed<Shape extends Schema> = Shape extends z.ZodMiniType ? z.infer<Shape> : undefined;

type BodyOf<Body extends Schema, Batch extends Schema> =
  | Parsed<Body>
  | (Batch extends z.ZodMiniType ? z.infer<Batch> : never);

/**
 * Makes the Lambda handler of one endpoint: the chain that every request goes through, outermost step first. A
 * caller who is not authorized learns nothing of what the body is checked for, and whatever is thrown becomes a fault.
 * @param spec what the endpoint takes and answers, and who may call it; it stays readable on the handler
 * @param handle the endpoint itself. What it returns is sent as JSON, nothing as 204
 */
export function endpoint<
  Path extends Schema,
  Query extends Schema,
  Body extends Schema,
  Response extends Schema,
  Batch extends Schema = undefined,
  Link extends SignedLink | undefined = undefined,
>(
  spec: EndpointSpec<Path, Query, Body, Response, Batch, Link>,
  handle: (
    input: EndpointInput<Parsed<Path>, Parsed<Query>, BodyOf<Body, Batch>, Link>,
  ) => Promise<Parsed<Response> | Reply>,
) {
  const handler = async (
    event: EndpointEvent,
    context: Context,
    { signal }: { signal: AbortSignal },
  ): Promise<GatewayResponse> => {
    const input = inputOf(event, context) as Parameters<typeof handle>[0];
    const result = await withRequestSignal(signal, () => handle(input));
    return gatewayResponse(event, result as Reply | object | undefined, spec.status);
  };
  const chain = middy<EndpointEvent, GatewayResponse>(handler, {
    timeoutEarlyInMillis: ABORT_MARGIN_MS,
    timeoutEarlyResponse: timedOut,
  })
    .use(accessLog(spec))
    .use(faults(CHALLENGE))
    .use(start())
    .use(spec.access)
    .use(spec.body ? jsonBody(spec.lenientBody === true) : [])
    .use(validate(spec))
    .use(warnings(spec));
  return Object.assign(chain, { spec });
}

function inputOf(
  event: EndpointEvent,
  context: Context,
): EndpointInput<unknown, unknown, unknown, SignedLink | undefined> {
  const { headers, requestContext, rawPath } = event;
  const caller = event.caller ?? { projectId: "", mayWrite: false, link: undefined };
  const { projectId, delegateProjectId } = caller;
  const quirks = quirksOf(event);
  const requestId = context.awsRequestId;
  const now = new Date();
  return {
    ...event.input,
    ...caller,
    requestId,
    now,
    baseUrl: PUBLIC_URL ?? `https://${requestContext.domainName}`,
    method: requestContext.http.method,
    rawPath,
    takePage: (rows, view, options) => takePage(rows, view, { ...options, quirks }),
    checkListSize: (views, remedy) => checkListSize(views, remedy, quirks),
    change: {
      projectId,
      delegateProjectId,
      requestId,
      now,
      clock: () => new Date(),
      echoedByClient: quirks?.echo,
    },
    count: (counts) => {
      event.counts = sumOf(event.counts ?? {}, counts);
    },
    acceptEncoding: headers["accept-encoding"],
    preconditions: {
      ifMatch: headers["if-match"],
      ifNoneMatch: headers["if-none-match"],
      ifModifiedSince: headers["if-modified-since"],
    },
  };
}

function sumOf(counts: Counts, more: Counts): Counts {
  const sum = { ...counts };
  for (const name of COUNTS) if (more[name]) sum[name] = (sum[name] ?? 0) + more[name];
  return sum;
}

/** A call that was sent already may still land: so this is no refusal, and a repeat recognizes what was written. */
function timedOut(): never {
  throw new ServiceError("unavailable", "The request took too long.");
}
