import {
  DeploymentPath,
  deploymentEtag,
  deploymentView,
  OneDeployment,
} from "../../lib/deployment/deployment.ts";
import { readDeployment } from "../../lib/deployment/store/read.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { conditionalReply } from "../../lib/http/preconditions.ts";

/** `GET /v1/{project_id}/software_deployments/{id}`: shows one deployment. */
export const handler = endpoint(
  { access: byProjectOrDelegate, path: DeploymentPath, response: OneDeployment },
  async ({ projectId, delegateProjectId, path, now, method, form, preconditions }) => {
    const { deployment } = await readDeployment(projectId, path.id, now, { delegateProjectId });
    return conditionalReply(
      { method, preconditions },
      { etag: deploymentEtag(deployment, now, form) },
      () => ({
        software_deployment: deploymentView(deployment, now),
      }),
    );
  },
);
