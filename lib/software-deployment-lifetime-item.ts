import { retention } from "./config.ts";
import type { Item } from "./dynamodb.ts";
import { FOREVER, type SoftwareDeployment } from "./software-deployment.ts";
import { epoch } from "./wire/instant.ts";

/** How long finished deployments are kept, in seconds. */
const RETENTION = retention();

/** What of a deployment decides until when it is there. */
export type Lasting = Pick<SoftwareDeployment, "status" | "deadline" | "changed">;

/** From when on a deployment is gone, in seconds since 1970: long enough after its last change, or its deadline. */
export const goneFrom = ({ status, deadline, changed }: Lasting): number =>
  (status === "IN_PROGRESS" ? Math.max(deadline, changed) : changed) + (RETENTION ?? FOREVER);

/** The same as a condition, so that DynamoDB leaves out what is gone; nothing where nothing goes. */
export const presentExpression = (
  now: Date,
): { expression: string[]; names: Record<string, string>; values: Item } =>
  RETENTION === undefined
    ? { expression: [], names: {}, values: {} }
    : {
        expression: ["(changed > :kept_from OR (#status = :running AND deadline > :kept_from))"],
        names: { "#status": "status" },
        values: { ":kept_from": epoch(now) - RETENTION, ":running": "IN_PROGRESS" },
      };

/**
 * When DynamoDB may remove an item by itself, in seconds since 1970: when the deployment is gone and its creation can
 * be repeated no more; never for what does not end.
 */
export const expiry = (
  deployment: Lasting & Pick<SoftwareDeployment, "key_expires">,
): { expires?: number } => {
  const expires = Math.max(goneFrom(deployment), deployment.key_expires ?? 0);
  return expires < FOREVER ? { expires } : {};
};

/** Whether updates must know the row before they write it, as its end depends on what it is. */
export const updatesReadFirst = RETENTION !== undefined;

/**
 * What is left of a removed deployment whose creation may still be repeated: its id is not free.
 * @returns undefined where nothing needs to be left
 */
export const remainsOf = (deployment: SoftwareDeployment, now: Date): Item | undefined => {
  const { project_id, id, key_expires } = deployment;
  return key_expires !== null && key_expires > epoch(now)
    ? { project_id, id, expires: key_expires }
    : undefined;
};
