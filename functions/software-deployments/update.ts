import {
  DeploymentPath,
  deploymentEtag,
  deploymentView,
  OneDeployment,
} from "../../lib/deployment/deployment.ts";
import { changeDeployment } from "../../lib/deployment/store/change.ts";
import { checkOutcome } from "../../lib/deployment/store/run-check.ts";
import { applyUpdate, checkMayUpdate } from "../../lib/deployment/transitions.ts";
import { UpdateRequest } from "../../lib/deployment/update-request.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";
import { Reply } from "../../lib/http/reply.ts";

/**
 * `PUT /v1/{project_id}/software_deployments/{id}`: sets the fields that the body names; null and empty leave them.
 * Maps are replaced. `config_id`, `input_values` and `action` are what the server is told to run. Where one of them
 * changes, a new run begins: unless the body names a status, the deployment is `IN_PROGRESS` again, without its reason
 * and results. Sent as they are, they change nothing. A delegated tenant may set `status`, `status_reason` and
 * `output_values`.
 */
export const handler = endpoint(
  { access: byProjectOrDelegate, path: DeploymentPath, body: UpdateRequest, response: OneDeployment },
  async ({ projectId, delegateProjectId, path, body, now, preconditions, change, count, ...input }) => {
    checkMayUpdate(body, delegateProjectId);
    const context = { ...change, checkETag: ifMatchCheck(preconditions) };
    const { deployment, counts } = await changeDeployment(
      path.id,
      (before) =>
        checkOutcome(before, applyUpdate(before, body, context), body.status !== undefined, {
          projectId,
          ...input,
        }),
      context,
    );
    count(counts);
    return new Reply(
      200,
      { etag: deploymentEtag(deployment, now, change.form) },
      { software_deployment: deploymentView(deployment, now) },
    );
  },
);
