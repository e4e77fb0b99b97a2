import {
  DeploymentPath,
  deploymentEtag,
  deploymentView,
  OneDeployment,
} from "../../lib/deployment/deployment.ts";
import { CancelRequest } from "../../lib/deployment/run-requests.ts";
import { changeDeployment } from "../../lib/deployment/store/change.ts";
import { applyCancel } from "../../lib/deployment/transitions.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";
import { Reply } from "../../lib/http/reply.ts";

/**
 * `POST /v1/{project_id}/software_deployments/{id}/cancel`: ends a deployment that is in progress.
 * It is `FAILED`, and its server is not given it any more. Where the server has it already, it may have run: the reason
 * says so, and a result that arrives later keeps its outputs. Canceled again, it stays as it is.
 */
export const handler = endpoint(
  {
    access: byProject,
    path: DeploymentPath,
    body: CancelRequest,
    optionalBody: true,
    response: OneDeployment,
  },
  async ({ path, body, now, preconditions, change, count }) => {
    const context = { ...change, checkETag: ifMatchCheck(preconditions) };
    const { deployment, counts } = await changeDeployment(
      path.id,
      (before) => applyCancel(before, body, context),
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
