import { deploymentView, maxResponseBytes, withValuesOmitted } from "../../lib/deployment/deployment.ts";
import { DeploymentList, ListQuery } from "../../lib/deployment/list-query.ts";
import { listDeployments } from "../../lib/deployment/store/query.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { nextLinks } from "../../lib/http/pagination.ts";
import { ProjectPath } from "../../lib/shapes.ts";

/**
 * `GET /v1/{project_id}/software_deployments`: lists the project's deployments by creation, filtered and in pages.
 * Without `limit` it holds what fits a response of 6 MB; where there is more, `software_deployments_links` leads on.
 * Where values cannot be read, or are too large for a response, they are null, and the deployment's `warning` says so.
 */
export const handler = endpoint(
  { access: byProject, path: ProjectPath, query: ListQuery, response: DeploymentList },
  async ({ projectId, query, now, baseUrl, takePage }) => {
    const deployments = listDeployments(projectId, query, query, now);
    const { rows, next } = await takePage(deployments, (deployment) => deploymentView(deployment, now), {
      limit: query.limit,
      bound: maxResponseBytes,
      smaller: (view) => withValuesOmitted(view, "they are too large for a response"),
    });
    const links = nextLinks(`${baseUrl}/v1/${projectId}/software_deployments`, next, query);
    return { software_deployments: rows, ...(links && { software_deployments_links: links }) };
  },
);
