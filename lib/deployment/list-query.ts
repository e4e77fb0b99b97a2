import * as z from "zod/mini";
import { documented, limit, marker, NextLinks } from "../shapes.ts";
import { type ListedDeployment, ManyDeployments } from "./deployment.ts";
import { Action, ConfigId, ServerId, Status } from "./fields.ts";
import { withTimeoutApplied } from "./run.ts";

/** The query of a list: which deployments, from where on, how many, and in which order. */
export const ListQuery = z.object({
  server_id: filter(ServerId, "Those of this server."),
  config_id: filter(ConfigId, "Those of this configuration."),
  status: filter(Status, "Those in this state; what ran into its time limit is `FAILED`."),
  action: filter(Action, "Those with this action."),
  limit: z.optional(limit),
  marker: z.optional(marker),
  sort_dir: documented(z.optional(z.enum(["asc", "desc"])), {
    description: "By creation: `asc`, the default, has the oldest first.",
  }),
});

/** The response of a list. */
export const DeploymentList = z.extend(ManyDeployments, { software_deployments_links: NextLinks });

/** Which deployments a list holds: those that have all of these values. */
export interface Filter {
  server_id?: string | undefined;
  config_id?: string | undefined;
  /** As a caller sees it: what ran into its time limit has failed. */
  status?: Status | undefined;
  action?: string | undefined;
}

/** From where on a list is read, in which order, and how many. */
export interface Range {
  /** Behind this id, which need not be there any more; from the first without it. */
  marker?: string | undefined;
  /** By creation: the oldest first, unless it says `desc`. */
  sort_dir?: "asc" | "desc" | undefined;
  /** How many will be read, where that is known. */
  limit?: number | undefined;
}

/** Whether a deployment has the values that a filter asks for. */
export function matches(deployment: ListedDeployment, filter: Filter, now: Date): boolean {
  const seen = withTimeoutApplied(deployment, now);
  return (["server_id", "config_id", "status", "action"] as const).every(
    (field) => filter[field] === undefined || filter[field] === seen[field],
  );
}

/** A filter. As in Heat, an empty one asks for nothing. */
function filter<Value>(shape: z.ZodMiniType<Value, unknown>, description: string) {
  const given = z.transform((text: unknown) => (text === "" ? undefined : text));
  return documented(z.optional(z.pipe(given, z.optional(shape))), {
    description,
    param: { allowEmptyValue: true },
  });
}
