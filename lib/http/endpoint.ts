import middy from "@middy/core";
import type { Context } from "aws-lambda";
import type * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import type { JsonText } from "../json/json-text.ts";
import type { SignedLink } from "../link/signed-link.ts";
import { COUNTS, type Counts } from "../metrics.ts";
import { publicUrl, tokenSettings } from "../settings.ts";
import { ABORT_MARGIN_MS, withRequestSignal } from "../times.ts";
import { accessLog } from "./access-log.ts";
import { quirksOf } from "./clients/golangsdk.ts";
import { acceptsGzip } from "./compression.ts";
import type { Caller, ClientQuirks, EndpointEvent, GatewayResponse } from "./event.ts";
import { faults, refusalOf } from "./faults.ts";
import { jsonBody } from "./json-body.ts";
import { type CheckListSize, checkListSize, type TakePage, takePage } from "./pagination.ts";
import { type Preconditions, preconditionsOf } from "./preconditions.ts";
import { gatewayResponse, type Reply } from "./reply.ts";
import type { EndpointSpec, Schema } from "./spec.ts";
import { rejectIfMisconfigured } from "./start.ts";
import { lateBody, validate } from "./validate.ts";
import { warn, warnings } from "./warnings.ts";

const PUBLIC_URL = publicUrl();

const { keystone, jwt } = tokenSettings();

/** The `WWW-Authenticate` header of a 401. */
const CHALLENGE = [keystone && `Keystone uri="${keystone.authUrl}"`, jwt && "Bearer"]
  .filter(Boolean)
  .join(", ");

/** The context of a change. */
interface ChangeRequest {
  projectId: string;
  /** The token's project, if the caller is a delegated tenant. */
  delegateProjectId: string | undefined;
  requestId: string;
  now: Date;
  clock: () => Date;
  /** The client's form, as `EndpointInput.form`. */
  form: string;
  /** Maps a value to the form in which this client sends it back; undefined for clients that do not change it. */
  echoedByClient: ((value: JsonText) => JsonText) | undefined;
}

/** The input of an endpoint, all of it validated. */
export interface EndpointInput<Path, Query, Body, Link extends SignedLink | undefined> extends Caller<Link> {
  path: Path;
  query: Query;
  /** Undefined where the endpoint reads it itself. */
  body: Body;
  /** Reads the body, where that is left to the endpoint. @throws ServiceError `invalid` */
  readBody: () => Promise<Body>;
  /** The id of the invocation, a UUID. */
  requestId: string;
  /** The time at which the request arrived. */
  now: Date;
  /** The service's public address, for links; never taken from a header. */
  baseUrl: string;
  method: string;
  /** The request's path, undecoded. */
  rawPath: string;
  preconditions: Preconditions;
  acceptsGzip: boolean;
  /** A name for this client's form of responses, for ETags; empty for most. */
  form: string;
  /** Renders a resource in this client's form; undefined for clients without one. */
  renderResource: ((resource: object) => object) | undefined;
  /** Takes a page of a list, measured in this client's form. */
  takePage: TakePage;
  /** Throws `invalid` if a list would not fit a response, measured in this client's form. */
  checkListSize: CheckListSize;
  /** The context for `changeDeployment` and its like. */
  change: ChangeRequest;
  /** Whether the caller prefers a refusal to warnings (`Prefer: handling=strict`). */
  isStrict: boolean;
  /** Warns the caller of the request; throws `invalid` if it is strict, so it comes before anything is written. */
  warn: (sentences: string[]) => void;
  /** The status and the message of an error of one part of the request; a failure of ours is logged. */
  refusalOf: (error: unknown) => { code: number; message: string };
  /** The `Idempotency-Key`, if the endpoint is `idempotent`. */
  idempotencyKey: string | undefined;
  /** Adds to the request's business metrics, which are dropped if it fails. */
  count: (counts: Counts) => void;
}

type Parsed<Shape extends Schema> = Shape extends z.ZodMiniType ? z.infer<Shape> : undefined;

type BodyOf<Body extends Schema, Batch extends Schema> =
  | Parsed<Body>
  | (Batch extends z.ZodMiniType ? z.infer<Batch> : never);

/**
 * The Lambda handler of an endpoint: the chain of middlewares, outermost first, around `handle`. Authorization comes
 * before validation, so an unauthorized caller learns nothing about the body. Every error becomes a fault response.
 * @param spec the endpoint's shapes and access; the handler has it as its member `spec`
 * @param handle the endpoint itself. Its result is sent as JSON, or as 204 if there is none
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
    const input = inputOf(spec, event, context) as Parameters<typeof handle>[0];
    const result = await withRequestSignal(signal, () => handle(input));
    return gatewayResponse(event, result as Reply | object | undefined, spec);
  };
  const chain = middy<EndpointEvent, GatewayResponse>(handler, {
    timeoutEarlyInMillis: ABORT_MARGIN_MS,
    timeoutEarlyResponse: timedOut,
  })
    .use(accessLog(spec))
    .use(faults(CHALLENGE))
    .use(rejectIfMisconfigured())
    .use(spec.access)
    .use(spec.body && !spec.lateBody ? jsonBody(spec) : [])
    .use(validate(spec))
    .use(warnings(spec));
  return Object.assign(chain, { spec });
}

function inputOf(
  spec: EndpointSpec,
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
    readBody: lateBody.bind(undefined, spec, event),
    requestId,
    now,
    baseUrl: PUBLIC_URL ?? `https://${requestContext.domainName}`,
    method: requestContext.http.method,
    rawPath,
    ...formOf(quirks),
    change: {
      projectId,
      delegateProjectId,
      requestId,
      now,
      clock: () => new Date(),
      form: quirks?.form ?? "",
      echoedByClient: quirks?.echo,
    },
    isStrict: event.isStrict === true,
    warn: warn.bind(undefined, event),
    refusalOf: refusalOf.bind(undefined, requestId),
    count: addCounts.bind(undefined, event),
    acceptsGzip: acceptsGzip(headers["accept-encoding"]),
    preconditions: preconditionsOf(headers),
  };
}

/** The members of an input that depend on the client's form. */
function formOf(quirks: ClientQuirks | undefined) {
  return {
    form: quirks?.form ?? "",
    renderResource: quirks?.renderResource,
    takePage: ((rows, view, options) => takePage(rows, view, { ...options, quirks })) satisfies TakePage,
    checkListSize: ((views, remedy) => checkListSize(views, remedy, quirks)) satisfies CheckListSize,
  };
}

function addCounts(event: EndpointEvent, counts: Counts): void {
  const sum = { ...event.counts };
  for (const name of COUNTS) if (counts[name]) sum[name] = (sum[name] ?? 0) + counts[name];
  event.counts = sum;
}

/** @throws ServiceError `unavailable`, since a write that was sent may still succeed; a repeat recognizes it */
function timedOut(): never {
  throw new ServiceError("unavailable", "The request took too long.");
}
