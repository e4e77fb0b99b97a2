import { DeploymentPath } from "../../lib/deployment/deployment.ts";
import { EventList, eventsView } from "../../lib/deployment/history.ts";
import { readDeployment } from "../../lib/deployment/store/read.ts";
import { decodeHistory } from "../../lib/deployment/store/row.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";

/** `GET /v1/{project_id}/software_deployments/{id}/events`: tells what happened to a deployment, the oldest first. */
export const handler = endpoint(
  { access: byProject, path: DeploymentPath, response: EventList },
  async ({ projectId, path, now }) => {
    const { row, deployment } = await readDeployment(projectId, path.id, now, {});
    return { events: eventsView(deployment, decodeHistory(row), now) };
  },
);
