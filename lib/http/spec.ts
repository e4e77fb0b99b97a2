import type * as z from "zod/mini";
import type { SignedLink } from "../link/signed-link.ts";
import type { Count } from "../metrics.ts";
import type { Access } from "./event.ts";

/** A shape, or none. */
export type Schema = z.ZodMiniType | undefined;

/** The shapes and the access of an endpoint. */
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
  /** The body's shape. Without one, a body is ignored. */
  body?: Body;
  /** The shape of an array as the body, if the endpoint takes one too. */
  batch?: Batch;
  /** Whether any content type is accepted, and a missing body as `{}`: agents send such requests. */
  lenientBody?: true;
  /** Whether a missing body is accepted as `{}`. */
  optionalBody?: true;
  /** Whether the body is read by the endpoint, when it knows that it needs it (`readBody`), and not by the chain. */
  lateBody?: true;
  /** Whether a caller may give the request an `Idempotency-Key`. */
  idempotent?: true;
  /** Whether a large body is sent compressed to a caller who accepts gzip. */
  compressed?: true;
  /** The most bytes of a body, if they are not `MAX_BODY_BYTES`. */
  maxBodyBytes?: number;
  /** Whether it warns of a body that was probably decoded wrongly: it names no charset, and holds U+FFFD. */
  warnsOfDamage?: true;
  /** Whether the endpoint warns of requests (`EndpointInput.warn`); one whose body has fields does anyway. */
  warns?: true;
  /** An additional metric for requests that fail; not for those without a genuine token or link. */
  failuresCount?: Count;
  /** The response's shape, for types, tests and the API's document; absent for 204. */
  response?: Response;
  /** The status of a success, if it is neither 200 nor 204. */
  status?: number;
}
