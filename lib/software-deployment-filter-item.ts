import { asOf } from "./deployment-run.ts";
import type { Item } from "./dynamodb.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { presentExpression } from "./software-deployment-lifetime-item.ts";
import type { Status } from "./software-deployment-request.ts";
import { epoch } from "./wire/instant.ts";

/** Which deployments a list holds; all of the project without any. */
export interface Filter {
  server_id?: string | undefined;
  config_id?: string | undefined;
  /** As a caller sees it: what ran into its time limit has failed. */
  status?: Status | undefined;
  action?: string | undefined;
}

/** A filter as DynamoDB takes it, on attributes that the table and the index by server have. */
export interface FilterExpression {
  expression: string[];
  names: Record<string, string>;
  values: Item;
}

const TIMED_OUT = "(#status = :in_progress AND deadline <= :now)";

const STATUS: Record<Status, string> = {
  COMPLETE: "#status = :status",
  FAILED: `(#status = :status OR ${TIMED_OUT})`,
  IN_PROGRESS: `(#status = :status AND NOT ${TIMED_OUT})`,
};

/** The conditions that a list leaves to DynamoDB: those on attributes that are no keys. */
export const filterExpression = ({ config_id, status, action }: Filter, now: Date): FilterExpression => {
  const present = presentExpression(now);
  return {
    expression: [
      ...present.expression,
      ...(config_id === undefined ? [] : ["config_id = :config_id"]),
      ...(action === undefined ? [] : ["#action = :action"]),
      ...(status === undefined ? [] : [STATUS[status]]),
    ],
    names: {
      ...present.names,
      ...(action !== undefined && { "#action": "action" }),
      ...(status && { "#status": "status" }),
    },
    values: {
      ...present.values,
      ...(config_id !== undefined && { ":config_id": config_id }),
      ...(action !== undefined && { ":action": action }),
      ...(status && { ":status": status }),
      ...(status && status !== "COMPLETE" && { ":in_progress": "IN_PROGRESS", ":now": epoch(now) }),
    },
  };
};

/** Whether a deployment is what a filter asks for: an index that lags may have said so of one that is no more. */
export const matches = (deployment: SoftwareDeployment, filter: Filter, now: Date): boolean => {
  const seen = asOf(deployment, now);
  return (["server_id", "config_id", "status", "action"] as const).every(
    (field) => filter[field] === undefined || filter[field] === seen[field],
  );
};
