import { DeploymentPath, deploymentView, etagOf, OneDeployment } from "../../lib/deployment/deployment.ts";
import { PatchRequest } from "../../lib/deployment/patch-request.ts";
import { patchDeployment } from "../../lib/deployment/store/patch.ts";
import { countsOf } from "../../lib/deployment/transitions.ts";
import { checkMayUpdate } from "../../lib/deployment/update-request.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";
import { Reply } from "../../lib/http/reply.ts";

/**
 * `PATCH /v1/{project_id}/software_deployments/{id}`: changes it by a JSON merge patch (RFC 7396), in which null clears.
 * Maps are merged. All else is as in an update.
 */
export const handler = endpoint(
  { access: byProjectOrDelegate, path: DeploymentPath, body: PatchRequest, response: OneDeployment },
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
    const patched = await patchDeployment(path.id, body, context);
    count(countsOf(patched));
    return new Reply(
      200,
      { etag: etagOf(patched.deployment, now) },
      { software_deployment: deploymentView(patched.deployment, now) },
    );
  },
);
