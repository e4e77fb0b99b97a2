import { bytesOf } from "../../dynamodb/stored-json.ts";
import { isId } from "../../ids.ts";
import { RETENTION } from "../retention.ts";
import {
  type Change,
  type ChangeContext,
  type Changed,
  namesDelivered,
  type Update,
} from "../transitions.ts";
import { updateChange } from "../update-request.ts";
import { changed, readModifyWrite, writeChange } from "./change.ts";
import { checkFits, largeValues, SMALL_BYTES, type StoredChange, withStoredValues } from "./item-size.ts";
import { deploymentNotFound } from "./read.ts";

/**
 * Updates a deployment with one conditional write: where two callers change different fields at the same time, both
 * changes stay, and a row that is gone stays gone. An update that names nothing only moves `updated_time`, as in Heat;
 * by a delegated tenant it changes nothing.
 *
 * The deployment is read first where the change depends on what it is: for an update that names a delivered field, which
 * may be sent with the value that it has. Otherwise see `writeOnce`.
 *
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` when it would pass DynamoDB's 400 KB,
 *   `unavailable`
 */
export async function updateDeployment(id: string, update: Update, context: ChangeContext): Promise<Changed> {
  if (!isId(id)) throw deploymentNotFound(id);
  if (!namesDelivered(update)) return writeOnce(id, updateChange(update, context), context);
  return readModifyWrite(
    id,
    async (current, item) => fitting(withStoredValues(updateChange(update, context, current)), item),
    context,
  );
}

/**
 * Changes a deployment with one conditional write.
 *
 * Where the condition does not hold, the row is read and the change is sent once more, for what the row turned out to
 * be: past its time limit, or changed by a container whose clock is ahead (`updated_time` does not go back). The row
 * is read first for a change with large values, to know whether they fit; for one with a precondition; for one by a
 * caller from another project, so that a stranger's tries cost reads and no writes; and on a stage with a retention, as
 * the end of the row depends on what it is.
 *
 * @throws ServiceError as `updateDeployment` does
 */
export async function writeOnce(id: string, change: Change, context: ChangeContext): Promise<Changed> {
  if (!isId(id)) throw deploymentNotFound(id);
  const stored = withStoredValues(change);
  const readsFirst =
    RETENTION !== undefined ||
    context.delegateProjectId !== undefined ||
    context.checkETag ||
    bytesOf(largeValues(stored)) > SMALL_BYTES;
  const written = readsFirst ? undefined : await writeChange(id, stored, context);
  if (written) return changed(written, context.requestId);
  return readModifyWrite(id, async (_, item) => fitting(stored, item), context);
}

function fitting(change: StoredChange, item: Parameters<typeof checkFits>[1]): StoredChange {
  checkFits(change, item);
  return change;
}
