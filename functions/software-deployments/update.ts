import { DeploymentPath, deploymentView, etagOf, OneDeployment } from "../../lib/deployment/deployment.ts";
import { updateDeployment } from "../../lib/deployment/store/update.ts";
import { countsOf } from "../../lib/deployment/transitions.ts";
import { checkMayUpdate, UpdateRequest } from "../../lib/deployment/update-request.ts";
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
  async ({ projectId, delegateProjectId, path, body, requestId, preconditions, client, count }) => {
    checkMayUpdate(body, delegateProjectId);
    const now = new Date();
    const checkETag = ifMatchCheck(preconditions);
    const context = {
      projectId,
      requestId,
      now,
      clock: () => new Date(),
      delegateProjectId,
      sentBack: client.sentBack,
      checkETag,
    };
    const updated = await updateDeployment(path.id, body, context);
    count(countsOf(updated));
    return new Reply(
      200,
      { etag: etagOf(updated.deployment, now) },
      { software_deployment: deploymentView(updated.deployment, now) },
    );
  },
);
