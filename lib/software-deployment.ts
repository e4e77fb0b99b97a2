import { v5 as uuidv5 } from "uuid";
import * as z from "zod/mini";
import { ServiceError } from "./errors.ts";

import { emptyMeansLeave, flat, jsonObject, ProjectPath, text, wellFormed } from "./wire/fields.ts";
import { instant, shownInstant } from "./wire/instant.ts";

/** The longest `status_reason`, in bytes of UTF-8: what Heat's TEXT column holds. */
const MAX_REASON_BYTES = 65_535;

const reason = z.string().check(
  wellFormed,
  z.refine((value) => Buffer.byteLength(value) <= MAX_REASON_BYTES, {
    error: `is longer than ${MAX_REASON_BYTES} bytes of UTF-8`,
  }),
);

/** The three states of a deployment (API page, table of request parameters). */
export const Status = z.enum(["COMPLETE", "IN_PROGRESS", "FAILED"]);
export type Status = z.infer<typeof Status>;

/** The path of one deployment. Whatever is no deployment's id is not found, so any text will do. */
export const DeploymentPath = z.extend(ProjectPath, { id: z.string() });

/** The path of what a server is to run. */
export const ServerPath = z.extend(ProjectPath, { server_id: text(1, 255) });

/**
 * The body of a create. Null means absent; fields it does not name are dropped, as in Heat, because SDKs send
 * extras.
 */
export const CreateRequest = flat(
  "software_deployment",
  z.object({
    config_id: text(1, 255),
    server_id: text(1, 255),
    action: z.nullish(text(0, 255)),
    input_values: z.nullish(jsonObject),
    status: z.nullish(Status),
    status_reason: z.nullish(reason),
    stack_user_project_id: z.nullish(text(0, 64)),
  }),
);
export type CreateRequest = z.infer<typeof CreateRequest>;

/**
 * The body of an update: what is absent, null, `""` or `{}` stays as it is (Heat's rule); maps are replaced,
 * never merged. An empty body only moves `updated_time`.
 */
export const UpdateRequest = flat(
  "software_deployment",
  emptyMeansLeave(
    z.object({
      config_id: z.optional(text(1, 255)),
      input_values: z.optional(jsonObject),
      output_values: z.optional(jsonObject),
      action: z.optional(text(0, 255)),
      status: z.optional(Status),
      status_reason: z.optional(reason),
    }),
  ),
);
export type UpdateRequest = z.infer<typeof UpdateRequest>;

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
});
export type ShownDeployment = z.infer<typeof ShownDeployment>;

/** The answer that carries one deployment. */
export const OneDeployment = z.object({ software_deployment: ShownDeployment });

/** A deployment as the service knows it: what is shown, its project, and what its server needs. */
export interface SoftwareDeployment extends Omit<ShownDeployment, "updated_time"> {
  project_id: string;
  updated_time: string | null;
  /** The project whose servers carry the deployment out; never shown. */
  stack_user_project_id: string | null;
  /** How often what the server is to run has changed; 0 at first. */
  delivery: number;
}

/**
 * Makes the deployment that a create asks for.
 * @param id a UUID of version 7, so that ids rise with time
 * @returns a deployment without results; a missing status is `IN_PROGRESS`
 */
export const newDeployment = (
  projectId: string,
  request: CreateRequest,
  id: string,
  now: Date,
): SoftwareDeployment => ({
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
  delivery: 0,
});

/** What a server is told to run: a change of any of these is a new delivery. */
const DELIVERED = ["config_id", "input_values", "action"] as const;

/** What a delegated tenant may report of a deployment. */
const REPORTED = ["status", "status_reason", "output_values"];

/** Whether an update changes what the server is to run. */
export const isNewDelivery = (update: UpdateRequest): boolean =>
  DELIVERED.some((field) => update[field] !== undefined);

/**
 * Holds an update against what its caller may do.
 * @param delegate the delegated tenant's project, when the caller is one
 * @throws ServiceError `unauthorized` when a delegated tenant changes more than a deployment's result
 */
export const checkUpdate = (update: UpdateRequest, delegate: string | undefined): void => {
  const beyond = Object.keys(update).filter((field) => !REPORTED.includes(field));
  if (delegate === undefined || beyond.length === 0) return;
  throw new ServiceError(
    "unauthorized",
    `Authorization failed: the token does not allow changing ${beyond.join(", ")}.`,
  );
};

/**
 * The id under which a deployment's present delivery goes to its server: the same at every poll, another one
 * after every change of what is to be run, since agents run each id once.
 */
export const deliveryId = ({ id, delivery }: SoftwareDeployment): string => uuidv5(String(delivery), id);

/** Whether a caller may know of a deployment: its own project, or the one that it is delegated to. */
export const isVisibleTo = (deployment: SoftwareDeployment, delegate: string | undefined): boolean =>
  delegate === undefined || deployment.stack_user_project_id === delegate;

/**
 * What a caller sees of a deployment.
 * @param zone how UTC is marked at the end of a time: `Z`, or nothing for a client that cannot read it
 */
export const shown = (deployment: SoftwareDeployment, zone: string): ShownDeployment => ({
  status: deployment.status,
  server_id: deployment.server_id,
  config_id: deployment.config_id,
  output_values: deployment.output_values,
  input_values: deployment.input_values,
  action: deployment.action,
  status_reason: deployment.status_reason,
  id: deployment.id,
  creation_time: shownInstant(deployment.creation_time, zone),
  ...(deployment.updated_time && { updated_time: shownInstant(deployment.updated_time, zone) }),
});
