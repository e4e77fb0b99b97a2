import middy from "@middy/core";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type * as z from "zod/mini";
import { authenticator, type Identity } from "../auth/authenticate.ts";
import { tokenSettings } from "../config.ts";
import { ServiceError } from "../errors.ts";
import { accessLog } from "./access-log.ts";
import { authorize } from "./authorize.ts";
import { faults } from "./faults.ts";
import { jsonBody } from "./json-body.ts";
import { type Shape, validate } from "./validate.ts";

/** API Gateway's event (payload format 2.0) and what the chain adds to it. */
export interface EndpointEvent extends APIGatewayProxyEventV2 {
  /** Added by `authorize`. */
  caller: Identity;
  /** Added by `validate`. */
  input: { path: unknown; body: unknown };
}

/** An answer to API Gateway. */
export interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** What a handler is given: everything checked. */
export interface Input<Path, Body> {
  /** The project of the verified token, which is the path's. */
  projectId: string;
  path: Path;
  body: Body;
  /** The invocation's id, a UUID. */
  requestId: string;
}

/** Time kept for our own 500 before Lambda ends the invocation, in ms. */
const TIMEOUT_EARLY = 500;

const timedOut = (): never => {
  throw new ServiceError("internal", "The request took too long.");
};

const settings = tokenSettings();
const authenticate = authenticator(settings);
const roles = { reader: settings.readerRoles, member: settings.memberRoles };
const challenge = [
  settings.keystone && `Keystone uri="${settings.keystone.authUrl}"`,
  settings.jwt && "Bearer",
].filter(Boolean);

const ok = (result: unknown): Answer => ({
  statusCode: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(result),
});

/**
 * Makes the Lambda handler of one endpoint: THE ONE CHAIN, outermost first. A caller who is not authorized
 * learns nothing of what the body is checked for, and whatever is thrown becomes a fault.
 * @param shape what the endpoint takes and answers; it stays readable on the handler
 * @param handle the endpoint itself; what it returns is sent as JSON with status 200
 */
export const endpoint = <
  Path extends z.ZodMiniType,
  Body extends z.ZodMiniType,
  Result extends z.ZodMiniType,
>(
  shape: Shape<Path, Body, Result>,
  handle: (input: Input<z.infer<Path>, z.infer<Body>>) => Promise<z.infer<Result>>,
) => {
  const handler = async ({ caller, input }: EndpointEvent, { awsRequestId }: Context): Promise<Answer> => {
    const { path, body } = input as { path: z.infer<Path>; body: z.infer<Body> };
    return ok(await handle({ projectId: caller.projectId, path, body, requestId: awsRequestId }));
  };
  const chain = middy<EndpointEvent, Answer>(handler, {
    timeoutEarlyInMillis: TIMEOUT_EARLY,
    timeoutEarlyResponse: timedOut,
  })
    .use(accessLog())
    .use(faults(challenge.join(", ")))
    .use(authorize(authenticate, roles))
    .use(shape.body ? [jsonBody()] : [])
    .use(validate(shape));
  return Object.assign(chain, { shape });
};
