import { v7 as uuidv7 } from "uuid";
import * as z from "zod/mini";
import { defaultTimeout } from "../lib/config.ts";
import { EventList, shownEvents } from "../lib/deployment-event.ts";
import { collectUrl, linkExpiry, signalUrl } from "../lib/http/agent-links.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { nextLink } from "../lib/http/links.ts";
import { ServerMetadata } from "../lib/server-metadata.ts";
import { tell } from "../lib/server-metadata-table.ts";
import { revokeLinks } from "../lib/server-table.ts";
import { SignalRequest } from "../lib/signal.ts";
import * as signals from "../lib/signal-table.ts";
import * as configs from "../lib/software-config-table.ts";
import {
  DeploymentPath,
  newDeployment,
  OneDeployment,
  ServerPath,
  ShownDeployment,
  shown,
} from "../lib/software-deployment.ts";
import { changed, rerun as rerunning } from "../lib/software-deployment-change.ts";
import * as lists from "../lib/software-deployment-lists.ts";
import { CreateRequest, checkUpdate, UpdateRequest } from "../lib/software-deployment-request.ts";
import * as table from "../lib/software-deployment-table.ts";
import { jsonObject, nextLinks, PageQuery, ProjectPath, text } from "../lib/wire/fields.ts";
import { instantOf } from "../lib/wire/instant.ts";
import { pageOf } from "../lib/wire/page.ts";

const DEFAULT_TIMEOUT = defaultTimeout();

/** `POST /v1/{project_id}/software_deployments` */
export const create = endpoint(
  { path: ProjectPath, body: CreateRequest, answer: OneDeployment },
  async ({ projectId, body, requestId, zone }) => {
    await configs.checkReference(projectId, body.config_id);
    const now = new Date();
    const deployment = newDeployment(projectId, body, uuidv7(), now, DEFAULT_TIMEOUT);
    await table.insert(deployment, requestId);
    return { software_deployment: shown(deployment, zone, now) };
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
    const now = new Date();
    const page = await pageOf(lists.list(projectId, query), (row) => shown(row, zone, now), query.limit);
    const links = nextLink(`${baseUrl}/v1/${projectId}/software_deployments`, page.next, query);
    return { software_deployments: page.rows, ...(links && { software_deployments_links: links }) };
  },
);

/** `GET /v1/{project_id}/software_deployments/{id}` */
export const show = endpoint(
  { path: DeploymentPath, answer: OneDeployment, access: "delegate" },
  async ({ projectId, delegate, path, zone }) => ({
    software_deployment: shown(await table.get(projectId, path.id, delegate), zone, new Date()),
  }),
);

/** `PUT /v1/{project_id}/software_deployments/{id}` */
export const update = endpoint(
  { path: DeploymentPath, body: UpdateRequest, answer: OneDeployment, access: "delegate" },
  async ({ projectId, delegate, path, body, requestId, zone }) => {
    checkUpdate(body, delegate);
    if (body.config_id !== undefined) await configs.checkReference(projectId, body.config_id);
    const now = new Date();
    const by = { requestId, now, delegate };
    const deployment = await table.update(path.id, changed(body, by), { projectId, ...by });
    return { software_deployment: shown(deployment, zone, now) };
  },
);

/** `DELETE /v1/{project_id}/software_deployments/{id}` */
export const remove = endpoint({ path: DeploymentPath }, ({ projectId, path }) =>
  table.remove(projectId, path.id, new Date()),
);

/** `POST /v1/{project_id}/software_deployments/{id}/rerun`: the agent runs it once more. */
export const rerun = endpoint(
  { path: DeploymentPath, answer: OneDeployment },
  async ({ projectId, path, requestId, zone }) => {
    const now = new Date();
    const by = { requestId, now };
    const deployment = await table.update(path.id, rerunning(by), { projectId, ...by });
    return { software_deployment: shown(deployment, zone, now) };
  },
);

/** `POST /v1/{project_id}/software_deployments/{id}/signal`: a run's result, by whoever has a token for it. */
export const signal = endpoint(
  { path: DeploymentPath, body: SignalRequest, bodyOf: "agent", answer: jsonObject, access: "delegate" },
  async ({ projectId, delegate, path, body, requestId }) => {
    const by = delegate === undefined ? "user" : "delegated tenant";
    await signals.signal(path.id, { outputs: body, by }, { projectId, requestId, now: new Date(), delegate });
    return {};
  },
);

/** `GET /v1/{project_id}/software_deployments/{id}/events` */
export const events = endpoint(
  { path: DeploymentPath, answer: EventList },
  async ({ projectId, path, zone }) => {
    const { deployment, events } = await table.history(projectId, path.id);
    return { events: shownEvents(deployment, events, zone, new Date()) };
  },
);

/** `GET /v1/{project_id}/software_deployments/metadata/{server_id}` */
export const metadata = endpoint(
  { path: ServerPath, answer: ServerMetadata, access: "delegate" },
  async ({ projectId, delegate, mayWrite, path, baseUrl, zone }) => {
    const telling = { zone, now: new Date(), signalUrl: mayWrite ? signalUrl(baseUrl) : undefined };
    const deployments = lists.listByServer(projectId, path.server_id, { delegate, told: true });
    return { metadata: (await tell(projectId, deployments, telling)).metadata };
  },
);

const AgentLink = z.object({ metadata_url: z.string(), expires_at: z.string() });

/** `POST …/metadata/{server_id}/link`: an address by which the server's agent needs no other credentials. */
export const link = endpoint(
  { path: ServerPath, answer: AgentLink },
  async ({ projectId, path, baseUrl, zone }) => {
    const issued = Date.now();
    const expires = linkExpiry(issued);
    const server = { project: projectId, server: path.server_id, issued, expires };
    return { metadata_url: collectUrl(baseUrl, server), expires_at: instantOf(expires).replace("Z", zone) };
  },
);

/** `DELETE …/metadata/{server_id}/link`: no link of the server that was made until now is valid any more. */
export const revoke = endpoint({ path: ServerPath }, ({ projectId, path }) =>
  revokeLinks(projectId, path.server_id, new Date()),
);
