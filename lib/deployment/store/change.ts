import {
  REFERENCES_ARE_CHECKED,
  referenceConditions,
  unknownReference,
} from "../../config/store/references.ts";
import { pauseAfter, updateChecked, updateItem } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import type { Counts } from "../../metrics.ts";
import { epochSeconds } from "../../times.ts";
import { etagOf, type SoftwareDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import { type DeploymentEvent, keptEvents, MAX_EVENTS, newStatusBy } from "../history.ts";
import { expiresAt } from "../retention.ts";
import { hasTimedOut } from "../run.ts";
import { applyTimeLimit, type Outcome, stamped, type TransitionContext } from "../transitions.ts";
import { deploymentNotFound, readDeployment } from "./read.ts";
import { type DeploymentRow, decodeHistory, difference, encodeEvents, TableName } from "./row.ts";

/*
 * The one way to change a deployment: read it, apply a transition, write the difference. Two writes are none of these:
 * that a server collects it appends to the history by a condition of its own and moves no revision (`collect.ts`), and
 * trimming the history, below, may fail.
 */

/**
 * How often a change is attempted on a deployment that others change at the same time, before 503 is answered: enough for
 * thirty of them, in two seconds.
 */
export const MAX_ATTEMPTS = 20;

/** The request in which a deployment is changed. */
export interface ChangeContext extends TransitionContext {
  projectId: string;
  /** The time at any moment: a change counts from when it is written, which may be some reads later. */
  clock: () => Date;
  /** Throws `precondition_failed` when a deployment's ETag is not one that the caller named. */
  checkETag?: ((etag: string) => void) | undefined;
}

/** The result of a change. */
export interface ChangeResult {
  deployment: SoftwareDeployment;
  /** The status that the change has brought; undefined where it has left it as it was. */
  newStatus: Status | undefined;
}

/**
 * A transition of a deployment whose time limit is applied. Undefined leaves it as it is.
 * @param row as it was read
 */
export type Decide = (
  deployment: SoftwareDeployment,
  row: DeploymentRow,
) => Outcome | undefined | Promise<Outcome | undefined>;

/**
 * Changes a deployment: reads it consistently, asks for the transition, and writes the difference on condition that the
 * deployment is as it was read. Where it is not, it begins anew after a pause, up to `MAX_ATTEMPTS` times. A time limit
 * that has passed is written along. By the owner, a change that names nothing only moves `updated_time`, as in Heat; by a
 * delegated tenant it writes nothing.
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` when it would pass DynamoDB's 400 KB or refers to a
 *   configuration that is not there, `unavailable`, and what `decide` throws
 */
export async function changeDeployment(
  id: string,
  decide: Decide,
  context: ChangeContext,
): Promise<ChangeResult> {
  const { projectId, requestId, now, clock, delegateProjectId, checkETag } = context;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { row, deployment: before } = await readDeployment(projectId, id, now, delegateProjectId);
    const history = decodeHistory(row);
    // A write whose answer was lost is attempted again, and finds itself in the history.
    if (history.some(({ request_id }) => request_id === requestId))
      return { deployment: before, newStatus: newStatusBy(requestId, history) };
    const limited: Outcome = hasTimedOut(before, now) ? applyTimeLimit(before, context) : { after: before };
    const outcome = await decide(limited.after, row);
    if (!outcome || (!outcome.event && delegateProjectId !== undefined))
      return { deployment: before, newStatus: undefined };
    // What changes nothing leaves no event by which its repeat would be recognized, and overwrites nobody's change.
    if (outcome.event || attempt === 1) checkETag?.(etagOf(before, now));
    if (expiresAt(before) <= epochSeconds(clock())) throw deploymentNotFound(id);
    const after = stamped(outcome, before, context, clock());
    const events = [limited.event, outcome.event].filter((event) => event !== undefined);
    if (await writeDifference(row, [before, after], events, context)) {
      if (history.length + events.length > MAX_EVENTS) await trimHistory(row, [...history, ...events]);
      return {
        deployment: after,
        newStatus: after.status === limited.after.status ? undefined : after.status,
      };
    }
    await pauseAfter(attempt);
  }
  throw tooManyConflicts();
}

/** The counts of a change: the result that it has brought. */
export function countsOf({ newStatus }: ChangeResult): Counts {
  return {
    DeploymentsCompleted: Number(newStatus === "COMPLETE"),
    DeploymentsFailed: Number(newStatus === "FAILED"),
  };
}

/** The error for a deployment that others change again and again. */
export function tooManyConflicts(): ServiceError {
  return new ServiceError("unavailable", "The deployment is being changed by others: try again.");
}

/**
 * Writes a change on condition that the deployment is as it was read: its revision, and whether it was collected, which
 * moves none.
 * @returns whether the condition held
 */
async function writeDifference(
  row: DeploymentRow,
  [before, after]: [before: SoftwareDeployment, after: SoftwareDeployment],
  events: DeploymentEvent[],
  { projectId, now }: ChangeContext,
): Promise<boolean> {
  const expression = new Expression<DeploymentRow>();
  const changes = difference(before, after, row);
  const update = {
    TableName,
    Key: { project_id: projectId, id: before.id },
    UpdateExpression: expression.update({
      ...changes,
      append: events.length > 0 ? [["events", encodeEvents(events)]] : [],
    }),
    ConditionExpression: all(
      expression.compare("revision", "=", before.revision),
      expression.isAsRead("collected_time", before.collected_time),
    ),
    ...expression.placeholders,
  };
  if (!REFERENCES_ARE_CHECKED || after.config_id === before.config_id)
    return (await updateItem(update)).written;
  const conditions = referenceConditions(projectId, [after.config_id], now);
  const { written, failedCheck } = await updateChecked(update, conditions);
  if (failedCheck) throw unknownReference(failedCheck.Key.id);
  return written;
}

/** Drops the oldest events where there are too many, in a write of its own that may fail. */
async function trimHistory({ project_id, id }: DeploymentRow, events: DeploymentEvent[]): Promise<void> {
  const expression = new Expression<DeploymentRow>();
  await updateItem({
    TableName,
    Key: { project_id, id },
    UpdateExpression: expression.update({ set: [["events", encodeEvents(keptEvents(events))]] }),
    ConditionExpression: `size(${expression.name("events")}) = ${expression.value(events.length)}`,
    ...expression.placeholders,
  }).catch(() => undefined);
}
