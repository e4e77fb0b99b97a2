import { bytesOf } from "../../dynamodb/stored-json.ts";
import { isId } from "../../wire/ids.ts";
import type { Change, ChangeContext } from "../change.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { RETENTION } from "../retention.ts";
import { readModifyWrite, writeChange } from "./change.ts";
import { deploymentOf } from "./item.ts";
import { checkFits, largeValues, SMALL_BYTES, withStoredValues } from "./item-size.ts";
import { deploymentNotFound } from "./read.ts";

/**
 * Changes a deployment with one conditional write: where two callers change different fields at the same time, both
 * changes stay, and a row that is gone stays gone.
 *
 * Where the condition does not hold, the row is read and the change is sent once more, for what the row turned out to
 * be: past its time limit, or changed by a container whose clock is ahead (`updated_time` does not go back). The row
 * is read first for a change with large values, to know whether they fit; for one with a precondition; for one by a
 * caller from another project, so that a stranger's tries cost reads and no writes; and on a stage with a retention, as
 * the end of the row depends on what it is.
 *
 * An update that names nothing only moves `updated_time`, as in Heat; by a delegated tenant it changes nothing.
 *
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` when it would pass DynamoDB's 400 KB,
 *   `unavailable`
 */
export async function updateDeployment(
  id: string,
  change: Change,
  context: ChangeContext,
): Promise<SoftwareDeployment> {
  if (!isId(id)) throw deploymentNotFound(id);
  const namesNothing = change.events.length === 0;
  if (namesNothing && context.delegateProjectId !== undefined) {
    return readModifyWrite(id, async () => undefined, context);
  }
  const stored = withStoredValues(change);
  const readsFirst =
    RETENTION !== undefined ||
    context.delegateProjectId !== undefined ||
    context.checkETag ||
    bytesOf(largeValues(stored)) > SMALL_BYTES;
  const written = readsFirst ? undefined : await writeChange(id, stored, context);
  if (written) return deploymentOf(written);
  return readModifyWrite(
    id,
    async (_, item) => {
      checkFits(stored, item);
      return stored;
    },
    context,
  );
}
