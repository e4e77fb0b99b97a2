import * as z from "zod/mini";
import { documented, limit, marker, NextLinks } from "../shapes.ts";
import { type ListedDeployment, ManyDeployments } from "./deployment.ts";
import { Action, ConfigId, ServerId, Status } from "./fields.ts";
import { isDue, withTimeoutApplied } from "./run.ts";

/** The query of a list: filters, page and order. */
export const ListQuery = z.object({
  server_id: filterParameter(ServerId, "Those of this server."),
  config_id: filterParameter(ConfigId, "Those of this configuration."),
  status: filterParameter(Status, "Those in this state; what ran into its time limit is `FAILED`."),
  action: filterParameter(Action, "Those with this action."),
  waiting: documented(z.optional(z.enum(["true", "false"])), {
    description: "`true`: those in progress whose `not_before` lies ahead; `false`: the others.",
  }),
  limit: z.optional(limit),
  marker: z.optional(marker),
  sort_dir: documented(z.optional(z.enum(["asc", "desc"])), {
    description: "By creation: `asc`, the default, has the oldest first.",
  }),
});

/** The response of a list. */
export const DeploymentList = z.extend(ManyDeployments, { software_deployments_links: NextLinks });

/** The values that all deployments of a list have. */
export interface Filter {
  server_id?: string | undefined;
  config_id?: string | undefined;
  /** The status as callers see it: past its time limit a deployment is FAILED. */
  status?: Status | undefined;
  action?: string | undefined;
  /** Whether it is in progress and not due. */
  waiting?: "true" | "false" | undefined;
}

/** The part of a list that is read, and its order. */
export interface Range {
  /** The id after which it begins, which may have been removed; from the first deployment without it. */
  marker?: string | undefined;
  /** The order by creation; the oldest first by default. */
  sort_dir?: "asc" | "desc" | undefined;
  /** The number of deployments that the caller will take, if known. */
  limit?: number | undefined;
}

/** Whether a deployment has all values of a filter. */
export function matchesFilter(deployment: ListedDeployment, filter: Filter, now: Date): boolean {
  const current = withTimeoutApplied(deployment, now);
  const isWaiting = current.status === "IN_PROGRESS" && !isDue(deployment, now);
  if (filter.waiting !== undefined && filter.waiting !== String(isWaiting)) return false;
  return (["server_id", "config_id", "status", "action"] as const).every(
    (field) => filter[field] === undefined || filter[field] === current[field],
  );
}

/** The query parameter of a filter. As in Heat, an empty one does not filter. */
function filterParameter<Value>(shape: z.ZodMiniType<Value, unknown>, description: string) {
  const emptyAsAbsent = z.transform((text: unknown) => (text === "" ? undefined : text));
  return documented(z.optional(z.pipe(emptyAsAbsent, z.optional(shape))), {
    description,
    param: { allowEmptyValue: true },
  });
}
