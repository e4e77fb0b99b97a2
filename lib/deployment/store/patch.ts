import { patchChange } from "../patch-request.ts";
import type { ChangeContext, Changed, Update } from "../transitions.ts";
import { readModifyWrite } from "./change.ts";
import { checkFits, withStoredValues } from "./item-size.ts";

/**
 * Changes a deployment by a merge patch (RFC 7396): a read and a conditional write.
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` when it would pass DynamoDB's 400 KB,
 *   `unavailable`
 */
export function patchDeployment(id: string, patch: Update, context: ChangeContext): Promise<Changed> {
  return readModifyWrite(
    id,
    async (current, item) => {
      const change = withStoredValues(patchChange(patch, current, context));
      checkFits(change, item);
      return change;
    },
    context,
  );
}
