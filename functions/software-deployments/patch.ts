import {
  DeploymentPath,
  deploymentEtag,
  deploymentView,
  OneDeployment,
} from "../../lib/deployment/deployment.ts";
import { PatchRequest } from "../../lib/deployment/patch-request.ts";
import { changeDeployment } from "../../lib/deployment/store/change.ts";
import { checkOutcome } from "../../lib/deployment/store/run-check.ts";
import { applyPatch, checkMayUpdate } from "../../lib/deployment/transitions.ts";
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
  async ({ projectId, delegateProjectId, path, body, now, preconditions, change, count, ...input }) => {
    checkMayUpdate(body, delegateProjectId);
    const context = { ...change, checkETag: ifMatchCheck(preconditions) };
    const { deployment, counts } = await changeDeployment(
      path.id,
      (before) =>
        checkOutcome(before, applyPatch(before, body, context), body.status !== undefined, {
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
