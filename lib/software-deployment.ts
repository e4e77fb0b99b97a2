import * as z from "zod/mini";
import { asOf, hasTimedOut, type Run, signalExpiry } from "./deployment-run.ts";
import type { DeploymentRequest } from "./software-deployment-creation.ts";
import { Status } from "./software-deployment-request.ts";
import { jsonObject, ProjectPath, text } from "./wire/fields.ts";
import { epoch, instant, shownInstant } from "./wire/instant.ts";

/** The deadline of a deployment without a time limit, in seconds since 1970: none that anybody will see. */
export const FOREVER = 1e11;

/** The path of one deployment. Whatever is no deployment's id is not found, so any text will do. */
export const DeploymentPath = z.extend(ProjectPath, { id: z.string() });

/** The path of what a server is to run. */
export const ServerPath = z.extend(ProjectPath, { server_id: text(1, 255) });

/** A deployment as the API shows it, keys in the order of the API page's response example. */
export const ShownDeployment = z.object({
  status: Status,
  server_id: z.string(),
  config_id: z.string(),
  output_values: z.nullable(jsonObject),
  input_values: z.nullable(jsonObject),
  action: z.nullable(z.string()),
  status_reason: z.nullable(z.string()),
  id: z.string(),
  creation_time: z.string(),
  updated_time: z.optional(z.string()),
  timeout: z.optional(z.number()),
  collected_time: z.optional(z.string()),
});
export type ShownDeployment = z.infer<typeof ShownDeployment>;

/** The answer that carries one deployment. */
export const OneDeployment = z.object({ software_deployment: ShownDeployment });

/** The answer that carries many deployments. */
export const ManyDeployments = z.object({ software_deployments: z.array(ShownDeployment) });

/** The answer of a create: of one, or of many at once. */
export const CreatedDeployments = z.union([OneDeployment, ManyDeployments]);

/** A deployment as the service knows it: what is shown, its project, and what its server needs. */
export interface SoftwareDeployment extends Omit<ShownDeployment, keyof Run | "updated_time">, Run {
  project_id: string;
  updated_time: string | null;
  /** How often anything has changed. */
  revision: number;
  /** When anything last changed, in seconds since 1970. */
  changed: number;
  /** Until when its creation may be repeated under its key, in seconds since 1970; null without a key. */
  key_expires: number | null;
  /** The project whose servers carry the deployment out; never shown. */
  stack_user_project_id: string | null;
}

/**
 * Makes the deployment that a create asks for.
 * @param id a UUID of version 7, so that ids rise with time
 * @param defaultTimeout the time limit of a deployment that asks for none, in seconds
 * @returns a deployment without results; a missing status is `IN_PROGRESS`
 */
export const newDeployment = (
  projectId: string,
  request: DeploymentRequest,
  id: string,
  now: Date,
  defaultTimeout?: number,
): SoftwareDeployment => {
  const begun = epoch(now);
  const timeout = request.timeout ?? defaultTimeout ?? null;
  const deadline = begun + (timeout ?? FOREVER);
  return {
    project_id: projectId,
    id,
    server_id: request.server_id,
    config_id: request.config_id,
    action: request.action ?? null,
    input_values: request.input_values ?? null,
    output_values: null,
    status: request.status ?? "IN_PROGRESS",
    status_reason: request.status_reason ?? null,
    stack_user_project_id: request.stack_user_project_id ?? null,
    creation_time: instant(now),
    updated_time: null,
    collected_time: null,
    delivery: 0,
    reran: false,
    revision: 0,
    changed: begun,
    key_expires: null,
    timeout,
    begun,
    deadline,
    signal_expires: signalExpiry({ timeout, begun, deadline }),
  };
};

/** The tag of what a deployment shows, collections aside: another one after every change and after its time limit. */
export const etagOf = (deployment: SoftwareDeployment, now: Date): string =>
  `"${deployment.revision}${hasTimedOut(deployment, now) ? "-timed-out" : ""}"`;

/** Whether a caller may know of a deployment: its own project, or the one that it is delegated to. */
export const isVisibleTo = (
  deployment: Pick<Partial<SoftwareDeployment>, "stack_user_project_id">,
  delegate: string | undefined,
): boolean => delegate === undefined || deployment.stack_user_project_id === delegate;

/**
 * What a caller sees of a deployment.
 * @param zone how UTC is marked at the end of a time: `Z`, or nothing for a client that cannot read it
 * @param now the time it is seen at
 */
export const shown = (deployment: SoftwareDeployment, zone: string, now: Date): ShownDeployment => {
  const { status, status_reason } = asOf(deployment, now);
  const { timeout, updated_time, collected_time } = deployment;
  return {
    status,
    server_id: deployment.server_id,
    config_id: deployment.config_id,
    output_values: deployment.output_values,
    input_values: deployment.input_values,
    action: deployment.action,
    status_reason,
    id: deployment.id,
    creation_time: shownInstant(deployment.creation_time, zone),
    ...(updated_time !== null && { updated_time: shownInstant(updated_time, zone) }),
    ...(timeout !== null && { timeout }),
    ...(collected_time !== null && { collected_time: shownInstant(collected_time, zone) }),
  };
};
