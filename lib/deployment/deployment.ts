import * as z from "zod/mini";
import { MOST_BYTES_OF_A_CHARACTER } from "../limits/response-size.ts";
import { documented, idText, ProjectPath, timeText, uuidText } from "../shapes.ts";
import {
  Action,
  ConfigId,
  InputValues,
  OutputValues,
  ServerId,
  Status,
  StatusReason,
  timeLimit,
} from "./fields.ts";
import { hasTimedOut, type Run, withTimeoutApplied } from "./run.ts";

/** What the names and the other values of a deployment take of a response, in bytes. */
const FIELDS_BYTES = 1_000;

/** The path of one deployment. An id that is no UUID is not found, so any text passes here. */
export const DeploymentPath = z.extend(ProjectPath, { id: idText });

/** A deployment as a response shows it, keys in the order of the API page's example. */
export const DeploymentView = documented(
  z.object({
    status: Status,
    server_id: ServerId,
    config_id: ConfigId,
    output_values: z.nullable(OutputValues),
    input_values: z.nullable(InputValues),
    action: z.nullable(Action),
    status_reason: z.nullable(StatusReason),
    id: uuidText,
    creation_time: timeText,
    updated_time: documented(z.optional(timeText), {
      description: "When it was last changed; absent until then.",
    }),
    timeout: z.optional(timeLimit(1)),
    collected_time: documented(z.optional(timeText), {
      description: "When its server collected what it is to run now; absent until then.",
    }),
    warning: documented(z.optional(z.string()), { description: "In a list: why its values are left out." }),
  }),
  { id: "SoftwareDeployment" },
);
export type DeploymentView = z.infer<typeof DeploymentView>;

/** The response with one deployment. */
export const OneDeployment = z.object({ software_deployment: DeploymentView });

/** The response with many deployments. */
export const ManyDeployments = z.object({ software_deployments: z.array(DeploymentView) });

/** A deployment: what callers see of it, its project, and what its server and the rules need. */
export interface SoftwareDeployment extends Omit<DeploymentView, keyof Run | "updated_time">, Run {
  project_id: string;
  updated_time: string | null;
  /** How often anything has changed; being collected is no change. */
  revision: number;
  /** When anything last changed, in seconds since 1970. */
  changedAt: number;
  /** Until when its creation may be repeated under its idempotency key, in seconds since 1970; null without a key. */
  keyExpiresAt: number | null;
  /** The project whose servers carry the deployment out; never shown. */
  stack_user_project_id: string | null;
  /** That its stored values cannot be read, in a list, which goes on without them. */
  isUnreadable?: boolean;
  /** How long the JSON texts of its values are together, in characters; absent where it was not read. */
  textLength?: number;
}

/** What a list needs of a deployment: what callers see of it, and what decides about that. */
export type ListedDeployment = Pick<
  SoftwareDeployment,
  Exclude<keyof DeploymentView, "warning"> | "deadlineAt" | "changedAt" | "isUnreadable" | "textLength"
>;

/** What a server's metadata need of a deployment. */
export type DeliveredDeployment = Pick<
  SoftwareDeployment,
  | ("project_id" | "id" | "server_id" | "config_id" | "action" | "input_values" | "status" | "deadlineAt")
  | ("delivery" | "attempt" | "reran" | "signalExpiresAt" | "collected_time" | "revision" | "textLength")
>;

/** What a caller sees of a deployment. @param now the time it is seen at, which decides about its time limit */
export function deploymentView(deployment: ListedDeployment, now: Date): DeploymentView {
  const { status, status_reason } = withTimeoutApplied(deployment, now);
  const { timeout, updated_time, collected_time } = deployment;
  const view = {
    status,
    server_id: deployment.server_id,
    config_id: deployment.config_id,
    output_values: deployment.output_values,
    input_values: deployment.input_values,
    action: deployment.action,
    status_reason,
    id: deployment.id,
    creation_time: deployment.creation_time,
    ...(updated_time !== null && { updated_time }),
    ...(timeout !== null && { timeout }),
    ...(collected_time !== null && { collected_time }),
  };
  return deployment.isUnreadable ? withoutValues(view, "they cannot be read") : view;
}

/** What callers see of a deployment takes of a response at most, in bytes; undefined where that is not known. */
export function mostBytes(deployment: ListedDeployment): number | undefined {
  const { textLength, server_id, config_id, action } = deployment;
  if (textLength === undefined) return undefined;
  const texts = textLength + server_id.length + config_id.length + (action?.length ?? 0);
  return texts * MOST_BYTES_OF_A_CHARACTER + FIELDS_BYTES;
}

/** A deployment as a list shows it whose values cannot be shown: without them, and it says why. */
export function withoutValues(view: DeploymentView, why: string): DeploymentView {
  const warning = `input_values and output_values are left out: ${why}`;
  return { ...view, input_values: null, output_values: null, warning };
}

/** The ETag of a deployment: another one after every change, and after its time limit. */
export function etagOf(deployment: SoftwareDeployment, now: Date): string {
  return `"${deployment.revision}${hasTimedOut(deployment, now) ? "-timed-out" : ""}"`;
}

/**
 * Whether a caller may know of a deployment. A delegated tenant is a caller from another project than the deployment's:
 * it sees the deployments whose `stack_user_project_id` is its own project; all others do not exist for it.
 * @param delegateProjectId the project of a caller who is a delegated tenant
 */
export function isVisibleTo(
  deployment: { stack_user_project_id?: string | null | undefined },
  delegateProjectId: string | undefined,
): boolean {
  return delegateProjectId === undefined || deployment.stack_user_project_id === delegateProjectId;
}
