import { v7 as uuidv7 } from "uuid";
import {
  BatchRequest,
  CreateRequest,
  CreateResponse,
  newDeployment,
  requestedDeployments,
} from "../../lib/deployment/create-request.ts";
import { deploymentEtag, deploymentView } from "../../lib/deployment/deployment.ts";
import { createDeployments } from "../../lib/deployment/store/insert.ts";
import { checkNewRuns } from "../../lib/deployment/store/run-check.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { Reply } from "../../lib/http/reply.ts";
import { pathWarnings } from "../../lib/server/server.ts";
import { defaultTimeout } from "../../lib/settings.ts";
import { ProjectPath } from "../../lib/shapes.ts";

const DEFAULT_TIMEOUT = defaultTimeout();

/** The remedy if the response to a repeated request no longer fits. */
const GROWN = "it was carried out before, and has grown since: read the deployments one by one.";

/**
 * `POST /v1/{project_id}/software_deployments`: creates one deployment, or up to 100 at once, all or none.
 * With `server_ids` in place of `server_id` there is one for each of these servers, with a list of bodies one for each
 * body: at most 100 together. Both are answered with a list. Fields that the service does not know are ignored. A
 * `Warning` says so, which `server_id` no path can carry, and why no agent will answer, where that can be known.
 */
export const handler = endpoint(
  {
    access: byProject,
    path: ProjectPath,
    body: CreateRequest,
    batch: BatchRequest,
    idempotent: true,
    response: CreateResponse,
  },
  async ({
    projectId,
    body,
    idempotencyKey,
    requestId,
    now,
    baseUrl,
    form,
    checkListSize,
    count,
    ...input
  }) => {
    const requests = requestedDeployments(body);
    const { deployments: newDeployments, warnings } = await checkNewRuns(
      requests.map((request) => newDeployment(projectId, request, uuidv7(), now, DEFAULT_TIMEOUT)),
      (at) => (requests[at]?.status ?? null) !== null,
      { projectId, ...input },
    );
    const isMany = Array.isArray(body) || (body.server_ids ?? null) !== null;
    if (isMany)
      checkListSize(
        newDeployments.map((deployment) => deploymentView(deployment, now)),
        "create fewer at a time.",
      );
    const servers = requests.map(({ server_id }) => server_id);
    const check = () => input.warn([...pathWarnings(servers), ...warnings]);
    const context = { projectId, requestId, now, idempotencyKey, request: body, check };
    const { deployments, replayed, isWriter } = await createDeployments(newDeployments, context);
    if (isWriter) count({ DeploymentsCreated: deployments.length });
    const headers = replayed ? { "idempotent-replayed": "true" } : {};
    const views = deployments.map((deployment) => deploymentView(deployment, now));
    const [deployment] = deployments;
    if (!deployment || isMany) {
      if (replayed) checkListSize(views, GROWN);
      return new Reply(200, headers, { software_deployments: views });
    }
    const location = `${baseUrl}/v1/${projectId}/software_deployments/${deployment.id}`;
    return new Reply(
      200,
      { etag: deploymentEtag(deployment, now, form), location, ...headers },
      { software_deployment: views[0] },
    );
  },
);
