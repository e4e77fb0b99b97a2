import * as z from "zod/mini";
import { etagOf } from "../etag.ts";
import { MAX_BYTES_PER_CHARACTER } from "../limits/response-size.ts";
import { documented, idText, ProjectPath, timeText, uuidText } from "../shapes.ts";
import { isoTimeOf } from "../times.ts";
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

/** The most bytes of a response that a deployment's field names and short fields take. */
const FIELDS_BYTES = 1_000;

/** The path of one deployment. */
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
    not_before: documented(z.optional(timeText), {
      description: "The server is not given it before this time.",
    }),
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

/** A deployment: the fields that callers see, and those that only the service uses. */
export interface SoftwareDeployment
  extends Omit<DeploymentView, keyof Run | "updated_time" | "not_before">,
    Run {
  project_id: string;
  updated_time: string | null;
  /** The number of changes since its creation. Being collected is not a change. */
  revision: number;
  /** The time of its last change, in seconds since 1970. */
  changedAt: number;
  /** The number of results of older deliveries that left an event: at most `MAX_SUPERSEDED_RESULTS`. */
  supersededResults: number;
  /**
   * The end of its idempotency key, up to which its creation may be repeated, in seconds since 1970; null without one.
   */
  keyExpiresAt: number | null;
  /** The project of its delegated tenant, whose servers carry it out; never shown. */
  stack_user_project_id: string | null;
  /** Whether its stored values could not be read: only in a list, which shows it without them. */
  isUnreadable?: boolean;
}

/** The part of a deployment that a list needs: the fields that callers see, and those that affect them. */
export type ListedDeployment = Pick<
  SoftwareDeployment,
  | Exclude<keyof DeploymentView, "warning" | "not_before">
  | "notBefore"
  | "deadlineAt"
  | "changedAt"
  | "isConfigMissing"
  | "isUnreadable"
>;

/** The part of a deployment that its server's metadata need. */
export type DeliveredDeployment = Pick<
  SoftwareDeployment,
  | ("project_id" | "id" | "server_id" | "config_id" | "action" | "input_values" | "status" | "deadlineAt")
  | (
      | "delivery"
      | "attempt"
      | "reran"
      | "startedAt"
      | "startedMs"
      | "signalExpiresAt"
      | "collected_time"
      | "revision"
    )
>;

/** A deployment as callers see it. @param now the time that is compared with its time limit */
export function deploymentView(deployment: ListedDeployment, now: Date): DeploymentView {
  const { status, status_reason } = withTimeoutApplied(deployment, now);
  const { timeout, notBefore, updated_time, collected_time } = deployment;
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
    ...(notBefore !== null && { not_before: isoTimeOf(notBefore) }),
    ...(collected_time !== null && { collected_time }),
  };
  return deployment.isUnreadable ? withValuesOmitted(view, "they cannot be read") : view;
}

/** The most bytes of a response that a deployment's view can take. */
export function maxResponseBytes(deployment: ListedDeployment): number {
  const { server_id, config_id, action, status_reason, input_values, output_values } = deployment;
  const values = (input_values?.text.length ?? 0) + (output_values?.text.length ?? 0);
  const texts = server_id.length + config_id.length + (action?.length ?? 0) + (status_reason?.length ?? 0);
  return (values + texts) * MAX_BYTES_PER_CHARACTER + FIELDS_BYTES;
}

/** A deployment's view without its values. @param reason the end of its `warning`: a clause that says why */
export function withValuesOmitted(view: DeploymentView, reason: string): DeploymentView {
  const warning = `input_values and output_values are left out: ${reason}`;
  return { ...view, input_values: null, output_values: null, warning };
}

/**
 * The ETag of a deployment's view. Its revision changes with every change, and when the time limit passes; its digest when
 * the server collects.
 * @param form the client's form (`EndpointInput.form`)
 */
export function deploymentEtag(deployment: SoftwareDeployment, now: Date, form: string): string {
  const revision = `${deployment.revision}${hasTimedOut(deployment, now) ? "-timed-out" : ""}`;
  return etagOf(revision, form, deployment.collected_time);
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
