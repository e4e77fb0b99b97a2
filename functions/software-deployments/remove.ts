import { DeploymentPath } from "../../lib/deployment/deployment.ts";
import { removeDeployment } from "../../lib/deployment/store/delete.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";

/** `DELETE /v1/{project_id}/software_deployments/{id}`: removes a deployment, of which its server is told. */
export const handler = endpoint(
  { access: byProject, path: DeploymentPath },
  async ({ path, preconditions, change }) => {
    await removeDeployment(path.id, { ...change, checkETag: ifMatchCheck(preconditions) });
  },
);
