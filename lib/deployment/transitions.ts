import { epochSeconds } from "../iso-time.ts";
import { equalAsJson } from "../json/equal-json.ts";
import type { JsonObject } from "../json/exact-json.ts";
import type { Counts } from "../metrics.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import type { Status } from "./fields.ts";
import { type DeploymentEvent, timedOutEvent } from "./history.ts";
import { timedOutReason } from "./run.ts";

/** What a server is told to run: a change of any of these fields is a new delivery. */
const DELIVERED = ["config_id", "input_values", "action"] as const;

/** The fields that a change sets; null takes a value away. */
export interface Update {
  config_id?: string | undefined;
  input_values?: JsonObject | null | undefined;
  output_values?: JsonObject | null | undefined;
  action?: string | null | undefined;
  status?: Status | undefined;
  status_reason?: string | null | undefined;
  timeout?: number | null | undefined;
}

/** A change of a deployment. */
export interface Change {
  update: Update;
  /** Whether the deployment is to be run once more: then it is a new delivery, whatever the update sets. */
  reruns?: boolean;
  /** What the history says of the change; nothing where it names nothing. The last event is the change's own. */
  events: DeploymentEvent[];
}

/** A deployment as a change has left it. */
export interface Changed {
  deployment: SoftwareDeployment;
  /** The status that the change has brought; undefined where it has left it as it was. */
  reached?: Status | undefined;
}

/** In which request a deployment is changed: whose, when, and on what condition. */
export interface ChangeContext {
  projectId: string;
  /** The id of the invocation, a UUID. */
  requestId: string;
  /** When the request came. */
  now: Date;
  /** The time at any moment: a change counts from when it is written, which may be some reads later. */
  clock: () => Date;
  /** The project of a caller who is a delegated tenant, see `isVisibleTo`. */
  delegateProjectId?: string | undefined;
  /** How the client sends back values that it was shown, where that is not as they are. */
  sentBack?: ((value: unknown) => unknown) | undefined;
  /** Throws `precondition_failed` when a deployment's ETag is not one that the caller named. */
  checkETag?: ((etag: string) => void) | undefined;
}

/** Makes a change with its own event. What it says of a result holds no signed links. */
export function newChange(
  update: Update,
  event: Omit<DeploymentEvent, "at" | "request_id" | "status">,
  { requestId, now }: ChangeContext,
): Change {
  const { status } = update;
  const own = { at: epochSeconds(now), ...event, request_id: requestId, ...(status && { status }) };
  return { update, events: [own] };
}

/** What a change is counted as: a result that it has brought. */
export function countsOf({ reached }: Changed): Counts {
  return {
    DeploymentsCompleted: Number(reached === "COMPLETE"),
    DeploymentsFailed: Number(reached === "FAILED"),
  };
}

/** Whether an update names a field that is part of what a server is told to run. */
export function namesDelivered(update: Update): boolean {
  return DELIVERED.some((field) => update[field] !== undefined);
}

/**
 * What an update means for a deployment as it is. A field that it sends with the value that it has changes nothing:
 * OTC's Go SDK and Terraform send `config_id` with every update, and agents would run the script again. A delivered
 * field that does change begins a new run: where the update names no status, the deployment is in progress again, its
 * reason and results cleared, so that the result of that run counts.
 */
export function settledUpdate(update: Update, current: SoftwareDeployment, context: ChangeContext): Update {
  const { sentBack } = context;
  const compared = sentBack ? [...DELIVERED, "output_values" as const] : DELIVERED;
  const isUnchanged = (field: (typeof compared)[number]): boolean =>
    update[field] !== undefined &&
    (equalAsJson(update[field], current[field]) ||
      (field === "input_values" && equalAsJson(update[field], current[field] ?? {})) ||
      (sentBack !== undefined && equalAsJson(update[field], sentBack(current[field]))));
  const unchanged = new Set<string>(compared.filter(isUnchanged));
  const changed: Update = Object.fromEntries(Object.entries(update).filter(([name]) => !unchanged.has(name)));
  if (!namesDelivered(changed) || changed.status !== undefined) return changed;
  return { status: "IN_PROGRESS", status_reason: null, output_values: null, ...changed };
}

/** A change's own event, where it has one. A repeat of the change is recognized by it. */
export function ownEvent({ events }: Change): DeploymentEvent | undefined {
  return events.at(-1);
}

/**
 * The same change of a deployment that has run into its time limit: that is written first, and stays where the change
 * says nothing else of the status.
 */
export function afterTimeout(change: Change, current: SoftwareDeployment, requestId: string): Change {
  return {
    ...change,
    update: change.update.status
      ? change.update
      : { status: "FAILED", status_reason: timedOutReason(current), ...change.update },
    events: [timedOutEvent(current, requestId), ...change.events],
  };
}

/** Whether a change is a new delivery: what the server is to run changes, or is to be run once more. */
export function isNewDelivery({ update, reruns = false }: Change): boolean {
  return reruns || namesDelivered(update);
}

/** Whether a change begins a run: what is to be run changes, or it is in progress again. */
export function beginsRun(change: Change): boolean {
  return change.update.status === "IN_PROGRESS" || isNewDelivery(change);
}
