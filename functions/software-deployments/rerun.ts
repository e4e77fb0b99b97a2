import {
  DeploymentPath,
  deploymentEtag,
  deploymentView,
  OneDeployment,
} from "../../lib/deployment/deployment.ts";
import { RerunRequest } from "../../lib/deployment/run-requests.ts";
import { changeDeployment } from "../../lib/deployment/store/change.ts";
import { checkOutcome } from "../../lib/deployment/store/run-check.ts";
import { applyRerun } from "../../lib/deployment/transitions.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";
import { Reply } from "../../lib/http/reply.ts";

/**
 * `POST /v1/{project_id}/software_deployments/{id}/rerun`: has the agent run the deployment once more.
 * It is `IN_PROGRESS` again, without results, and its server gets a new delivery: at once, or with `not_before` later.
 */
export const handler = endpoint(
  {
    access: byProject,
    path: DeploymentPath,
    body: RerunRequest,
    optionalBody: true,
    response: OneDeployment,
  },
  async ({ projectId, path, body, now, preconditions, change, ...input }) => {
    const context = { ...change, checkETag: ifMatchCheck(preconditions) };
    const { deployment } = await changeDeployment(
      path.id,
      (before) => checkOutcome(before, applyRerun(before, body, context), false, { projectId, ...input }),
      context,
    );
    return new Reply(
      200,
      { etag: deploymentEtag(deployment, now, change.form) },
      { software_deployment: deploymentView(deployment, now) },
    );
  },
);
