import type { ChangeContext, Update } from "../change.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { patchChange } from "../patch.ts";
import { readModifyWrite } from "./change.ts";
import { checkFits, withStoredValues } from "./item-size.ts";

/**
 * Changes a deployment by a merge patch (RFC 7396): a read and a conditional write.
 * @returns the deployment as it is now
 * @throws ServiceError `not_found`, `precondition_failed`, `invalid` when it would pass DynamoDB's 400 KB,
 *   `unavailable`
 */
export function patchDeployment(
  id: string,
  patch: Update,
  context: ChangeContext,
): Promise<SoftwareDeployment> {
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
