/**
 * The kinds of errors, independent of HTTP: `lib/http/faults.ts` maps each to its status. `forbidden` is a valid token
 * that does not authorize the request.
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
 * The dependencies that can fail while the rest of the service works: the token issuer, the keys of signed links, the
 * settings that a function reads at its start. Each has a metric of its own (`metrics.ts`).
 */
export type Dependency = "tokens" | "links" | "start";

/**
 * The only error whose message is sent to the caller, unchanged: it must not hold a stack, a table's name, an ARN or a
 * secret. `cause` is logged and not sent.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly kind: ErrorKind;
  /** The dependency that failed; undefined for all other errors. */
  readonly dependency: Dependency | undefined;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions & { dependency?: Dependency }) {
    super(message, options);
    this.kind = kind;
    this.dependency = options?.dependency;
  }
}

/** The error for an unexpected HTTP status from another service; the status is logged. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly status: number;

  constructor(status: number) {
    super(`Answered ${status}.`);
    this.status = status;
  }
}
