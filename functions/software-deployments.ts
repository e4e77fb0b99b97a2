import { v7 as uuidv7 } from "uuid";
import * as z from "zod/mini";
import { endpoint } from "../lib/http/endpoint.ts";
import { nextLink } from "../lib/http/links.ts";
import { ServerMetadata, serverMetadata } from "../lib/server-metadata.ts";
import * as configs from "../lib/software-config-table.ts";
import {
  CreateRequest,
  checkUpdate,
  DeploymentPath,
  newDeployment,
  OneDeployment,
  ServerPath,
  ShownDeployment,
  shown,
  UpdateRequest,
} from "../lib/software-deployment.ts";
import * as lists from "../lib/software-deployment-lists.ts";
import * as table from "../lib/software-deployment-table.ts";
import { nextLinks, PageQuery, ProjectPath, text } from "../lib/wire/fields.ts";
import { allOf, pageOf } from "../lib/wire/page.ts";

/** `POST /v1/{project_id}/software_deployments` */
export const create = endpoint(
  { path: ProjectPath, body: CreateRequest, answer: OneDeployment },
  async ({ projectId, body, requestId, zone }) => {
    await configs.checkReference(projectId, body.config_id);
    const deployment = newDeployment(projectId, body, uuidv7(), new Date());
    await table.insert(deployment, requestId);
    return { software_deployment: shown(deployment, zone) };
  },
);

const ListQuery = z.extend(PageQuery, { server_id: z.optional(text(0, 255)) });
const Listed = z.object({
  software_deployments: z.array(ShownDeployment),
  software_deployments_links: nextLinks,
});

/** `GET /v1/{project_id}/software_deployments` */
export const list = endpoint(
  { path: ProjectPath, query: ListQuery, answer: Listed },
  async ({ projectId, query, baseUrl, zone }) => {
    const page = await pageOf(lists.list(projectId, query), (row) => shown(row, zone), query.limit);
    const links = nextLink(`${baseUrl}/v1/${projectId}/software_deployments`, page.next, query);
    return { software_deployments: page.rows, ...(links && { software_deployments_links: links }) };
  },
);

/** `GET /v1/{project_id}/software_deployments/{id}` */
export const show = endpoint(
  { path: DeploymentPath, answer: OneDeployment, access: "delegate" },
  async ({ projectId, delegate, path, zone }) => ({
    software_deployment: shown(await table.get(projectId, path.id, delegate), zone),
  }),
);

/** `PUT /v1/{project_id}/software_deployments/{id}` */
export const update = endpoint(
  { path: DeploymentPath, body: UpdateRequest, answer: OneDeployment, access: "delegate" },
  async ({ projectId, delegate, path, body, requestId, zone }) => {
    checkUpdate(body, delegate);
    if (body.config_id !== undefined) await configs.checkReference(projectId, body.config_id);
    const write = { requestId, now: new Date() };
    const deployment = await table.update(projectId, path.id, body, write, delegate);
    return { software_deployment: shown(deployment, zone) };
  },
);

/** `DELETE /v1/{project_id}/software_deployments/{id}` */
export const remove = endpoint({ path: DeploymentPath }, ({ projectId, path }) =>
  table.remove(projectId, path.id),
);

const REMEDY = "delete deployments of this server that it no longer needs.";

/** `GET /v1/{project_id}/software_deployments/metadata/{server_id}` */
export const metadata = endpoint(
  { path: ServerPath, answer: ServerMetadata, access: "delegate" },
  async ({ projectId, delegate, path, zone }) => {
    const rows = lists.listByServer(projectId, path.server_id, { delegate });
    const deployments = await allOf(rows, ({ input_values }) => input_values, REMEDY);
    const kept = await configs.getMany(
      projectId,
      deployments.map(({ config_id }) => config_id),
    );
    return { metadata: await allOf(serverMetadata(deployments, kept, zone), (config) => config, REMEDY) };
  },
);
