import { v7 as uuidv7 } from "uuid";
import { endpoint } from "../lib/http/endpoint.ts";
import {
  CreateRequest,
  DeploymentsPath,
  newDeployment,
  OneDeployment,
  shown,
} from "../lib/software-deployment.ts";
import * as table from "../lib/software-deployment-table.ts";

/** `POST /v1/{project_id}/software_deployments` */
export const create = endpoint(
  { path: DeploymentsPath, body: CreateRequest, answer: OneDeployment },
  async ({ projectId, body, requestId }) => {
    const deployment = newDeployment(projectId, body, uuidv7(), new Date());
    await table.insert(deployment, requestId);
    return { software_deployment: shown(deployment) };
  },
);
