import type * as z from "zod/mini";
import type { SignedLink } from "../link/signed-link.ts";
import type { Count } from "../metrics.ts";
import type { Access } from "./event.ts";

/** A shape, where an endpoint has one. */
export type Schema = z.ZodMiniType | undefined;

/** What one endpoint takes and answers, and who may call it. */
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
  /** Absent where the endpoint takes no body; one that is sent all the same is ignored. */
  body?: Body;
  /** The body of many at once, where the endpoint takes an array too. */
  batch?: Batch;
  /** Whether the body may have any content type, and no body at all is `{}`: agents send them so. */
  lenientBody?: true;
  /** Whether a caller may give the request an `Idempotency-Key`. */
  idempotent?: true;
  /** What a request that fails is counted as, beside what every endpoint's is. */
  failuresCount?: Count;
  /** What it answers; types and tests read it. Absent for 204. */
  response?: Response;
  /** The status that it answers with, when that is neither 200 nor 204. */
  status?: number;
}
