import { DeploymentPath, deploymentView, etagOf, OneDeployment } from "../../lib/deployment/deployment.ts";
import { rerunChange } from "../../lib/deployment/rerun.ts";
import { writeOnce } from "../../lib/deployment/store/update.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";
import { Reply } from "../../lib/http/reply.ts";

/**
 * `POST /v1/{project_id}/software_deployments/{id}/rerun`: has the agent run the deployment once more.
 * It is `IN_PROGRESS` again, without results, and its server gets a new delivery.
 */
export const handler = endpoint(
  { access: byProject, path: DeploymentPath, response: OneDeployment },
  async ({ projectId, path, requestId, preconditions }) => {
    const now = new Date();
    const checkETag = ifMatchCheck(preconditions);
    const context = { projectId, requestId, now, clock: () => new Date(), checkETag };
    const { deployment: rerun } = await writeOnce(path.id, rerunChange(context), context);
    return new Reply(200, { etag: etagOf(rerun, now) }, { software_deployment: deploymentView(rerun, now) });
  },
);
