import {
  REFERENCES_ARE_CHECKED,
  referenceConditions,
  unknownReference,
} from "../../config/store/references.ts";
import { pauseAfter, updateChecked, updateItem } from "../../dynamodb/calls.ts";
import { Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import type { Counts } from "../../metrics.ts";
import type { ServerRow } from "../../server/row.ts";
import { epochSeconds } from "../../times.ts";
import { deploymentEtag, type SoftwareDeployment } from "../deployment.ts";
import type { Status } from "../fields.ts";
import { type DeploymentEvent, MAX_EVENTS, newStatusBy, trimmedEvents } from "../history.ts";
import { expiresAt } from "../retention.ts";
import { hasTimedOut } from "../run.ts";
import { applyTimeLimit, type Outcome, stamped, type TransitionContext } from "../transitions.ts";
import { deploymentNotFound, readDeployment } from "./read.ts";
import { type DeploymentRow, decodeHistory, difference, encodeEvents, TableName } from "./row.ts";

/*
 * The one way to change a deployment: read it, apply a transition, write the difference. There are two exceptions.
 * Collecting (`collect.ts`) appends to the history on a condition of its own and does not change the revision. Trimming
 * the history (`trimHistory` below) rewrites it on condition of its length, and may fail.
 */

/**
 * The most attempts at a change while others change the same deployment; then the answer is 503. With the pauses
 * between them, thirty concurrent changes succeed within about two seconds.
 */
export const MAX_ATTEMPTS = 20;

/** The business metrics of a deployment that has got a status. */
const STATUS_COUNTS: Record<Status, Counts> = {
  IN_PROGRESS: {},
  COMPLETE: { DeploymentsCompleted: 1 },
  FAILED: { DeploymentsFailed: 1 },
};

/** The context of a change: its request, and what the write needs. */
export interface ChangeContext extends TransitionContext {
  projectId: string;
  /** The current time. A change is dated by its write, which may be some reads after `now`. */
  clock: () => Date;
  /** The server whose own row is read together with the deployment, for `decide`. */
  serverId?: string | undefined;
  /** A text that the repeats of a request share, if it has an `Idempotency-Key`. */
  repeatKey?: string | undefined;
  /** The client's form, for the ETag (`deploymentEtag`). */
  form: string;
  /** The check of `If-Match`: throws `precondition_failed` if the ETag is not one that the caller named. */
  checkETag?: ((etag: string) => void) | undefined;
}

/** The result of a change. */
export interface ChangeResult {
  deployment: SoftwareDeployment;
  /** The business metrics of the change: of the status that it has set, if that is another one. */
  counts: Counts;
}

/**
 * The choice of the transition to apply; undefined for none.
 * @param deployment with its time limit applied
 * @param read its row, its history, and its server's row if the context names the server, as they were read
 */
export type Decide = (
  deployment: SoftwareDeployment,
  read: { row: DeploymentRow; history: DeploymentEvent[]; server: ServerRow | undefined },
) => Outcome | undefined | Promise<Outcome | undefined>;

/**
 * Changes a deployment: reads it consistently, calls `decide`, and writes the difference on condition that the
 * deployment is still as it was read. If it is not, it starts again after a pause, up to `MAX_ATTEMPTS` times. A passed
 * time limit is written with the change. An outcome without an event only sets `updated_time`, as in Heat; for a
 * delegated tenant it writes nothing.
 *
 * A request that finds its own id in the history has been written by an earlier attempt, and is not applied twice; nor is
 * the repeat of a request under an `Idempotency-Key`.
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` if the row would pass DynamoDB's 400 KB or the
 *   configuration does not exist, `unavailable`, and every error of `decide`
 */
export async function changeDeployment(
  id: string,
  decide: Decide,
  context: ChangeContext,
): Promise<ChangeResult> {
  const { projectId, requestId, repeatKey, now, clock, delegateProjectId, serverId, form, checkETag } =
    context;
  const options = { delegateProjectId, serverId };
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { row, deployment: before, server } = await readDeployment(projectId, id, now, options);
    const history = decodeHistory(row);
    if (
      history.some(
        ({ request_id, key }) => request_id === requestId || (key !== undefined && key === repeatKey),
      )
    )
      return { deployment: before, counts: STATUS_COUNTS[newStatusBy(requestId, history) ?? "IN_PROGRESS"] };
    const limited: Outcome = hasTimedOut(before, now) ? applyTimeLimit(before, context) : { after: before };
    const outcome = await decide(limited.after, { row, history, server });
    if (!outcome) return { deployment: before, counts: {} };
    // Without an event a retry cannot recognize its own write, which has changed the ETag. It overwrites nothing.
    if (outcome.event || attempt === 1) checkETag?.(deploymentEtag(before, now, form));
    if (!outcome.event && delegateProjectId !== undefined) return { deployment: before, counts: {} };
    if (expiresAt(before) <= epochSeconds(clock())) throw deploymentNotFound(id);
    // A time limit that is written with a note is a change.
    const isNote = outcome.isNote && !limited.event;
    const after = stamped({ ...outcome, isNote }, before, context, clock());
    const own = outcome.event && { ...outcome.event, ...(repeatKey && { key: repeatKey }) };
    const events = [limited.event, own].filter((event) => event !== undefined);
    if (await writeDifference(row, [before, after], events, context)) {
      if (history.length + events.length > MAX_EVENTS) await trimHistory(row, [...history, ...events]);
      const isNewStatus = after.status !== limited.after.status;
      return { deployment: after, counts: isNewStatus ? STATUS_COUNTS[after.status] : {} };
    }
    await pauseAfter(attempt);
  }
  throw tooManyConflicts();
}

/** The error for a change that lost to others in every attempt. */
export function tooManyConflicts(): ServiceError {
  return new ServiceError("unavailable", "The deployment is being changed by others: try again.");
}

/**
 * Writes a change on condition that revision and `collected_time` are as they were read: collecting does not change the
 * revision.
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
    ConditionExpression: [
      expression.compare("revision", "=", before.revision),
      expression.isAsRead("collected_time", before.collected_time),
    ].join(" AND "),
    ...expression.placeholders,
  };
  if (!REFERENCES_ARE_CHECKED || after.config_id === before.config_id)
    return (await updateItem(update)).written;
  const conditions = referenceConditions(projectId, [after.config_id], now);
  const { written, failedCheck } = await updateChecked(update, conditions);
  if (failedCheck) throw unknownReference(failedCheck.Key.id);
  return written;
}

/** Drops the oldest events in a write of its own. If it fails, the next change tries again. */
async function trimHistory({ project_id, id }: DeploymentRow, events: DeploymentEvent[]): Promise<void> {
  const expression = new Expression<DeploymentRow>();
  await updateItem({
    TableName,
    Key: { project_id, id },
    UpdateExpression: expression.update({ set: [["events", encodeEvents(trimmedEvents(events))]] }),
    ConditionExpression: `size(${expression.name("events")}) = ${expression.value(events.length)}`,
    ...expression.placeholders,
  }).catch(() => undefined);
}
