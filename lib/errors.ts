/**
 * What went wrong, in the service's words. `lib/http/faults.ts` gives each kind its HTTP status. `forbidden` is a valid
 * token that does not authorize the request.
 */
export type ErrorKind =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "precondition_failed"
  | "unavailable"
  | "internal";

/**
 * What may be down by itself, while the rest of the service is up: the check of tokens, the keys of signed links, a
 * function whose start has failed.
 */
export type Dependency = "tokens" | "links" | "start";

/**
 * The only error whose message is sent to the caller, as it stands: so it never holds a stack, a table's name, an ARN
 * or a secret. What caused it goes into `cause`, which is logged and not sent.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly kind: ErrorKind;
  /** Which part of the service is down; undefined where none of these is. */
  readonly dependency: Dependency | undefined;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions & { dependency?: Dependency }) {
    super(message, options);
    this.kind = kind;
    this.dependency = options?.dependency;
  }
}

/** Another service that answered with a status of no use. Its status is logged. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly status: number;

  constructor(status: number) {
    super(`Answered ${status}.`);
    this.status = status;
  }
}
