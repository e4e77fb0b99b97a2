import { retention } from "../settings.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import { FOREVER } from "./run.ts";

/** How long a finished deployment is kept after its last change, in seconds; undefined for ever. */
export const RETENTION = retention();

/** What of a deployment decides until when it is kept. */
export type Lifetime = Pick<SoftwareDeployment, "status" | "deadlineAt" | "changedAt">;

/**
 * From when on a deployment is gone, in seconds since 1970: the retention after its last change, or after the deadline
 * that it ran into.
 */
export function expiresAt({ status, deadlineAt, changedAt }: Lifetime): number {
  const finishedAt = status === "IN_PROGRESS" ? Math.max(deadlineAt, changedAt) : changedAt;
  return finishedAt + (RETENTION ?? FOREVER);
}

/**
 * From when on DynamoDB may remove the item by itself (its time to live), in seconds since 1970: when the deployment
 * is gone and its creation can be repeated no more. Undefined for what never goes.
 */
export function timeToLive(
  deployment: Lifetime & Pick<SoftwareDeployment, "keyExpiresAt">,
): number | undefined {
  const at = Math.max(expiresAt(deployment), deployment.keyExpiresAt ?? 0);
  return at < FOREVER ? at : undefined;
}
