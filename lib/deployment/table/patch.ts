import type { ChangeContext, Update } from "../change.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { patchChange } from "../patch.ts";
import { changeAsRead, fitting } from "./change.ts";
import { withStoredValues } from "./update-expression.ts";

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
  return changeAsRead(
    id,
    async (current, item) => fitting(withStoredValues(patchChange(patch, current, context)), item),
    context,
  );
}
