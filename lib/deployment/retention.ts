import { retention } from "../settings.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import { FOREVER } from "./run.ts";

/** The retention of a finished deployment after its last change, in seconds; undefined means for ever. */
export const RETENTION = retention();

/** The part of a deployment that its retention depends on. */
export type Lifetime = Pick<SoftwareDeployment, "status" | "deadlineAt" | "changedAt">;

/**
 * The time from which a deployment no longer exists for callers, in seconds since 1970: the retention after its last
 * change, or after the deadline of a run without a result.
 */
export function expiresAt({ status, deadlineAt, changedAt }: Lifetime): number {
  const finishedAt = status === "IN_PROGRESS" ? Math.max(deadlineAt, changedAt) : changedAt;
  return finishedAt + (RETENTION ?? FOREVER);
}

/**
 * The row's time to live, in seconds since 1970: from then on DynamoDB may remove it. The deployment has expired by
 * then, and its idempotency key too. Undefined if it never expires.
 */
export function timeToLive(
  deployment: Lifetime & Pick<SoftwareDeployment, "keyExpiresAt">,
): number | undefined {
  const at = Math.max(expiresAt(deployment), deployment.keyExpiresAt ?? 0);
  return at < FOREVER ? at : undefined;
}
