import { v7 as uuidv7 } from "uuid";
import * as z from "zod/mini";
import { defaultTimeout } from "../lib/config.ts";
import { EventList, shownEvents } from "../lib/deployment-event.ts";
import { byDelegate, byProject } from "../lib/http/authorize.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { nextLink } from "../lib/http/links.ts";
import { conditionally, expectation, Reply } from "../lib/http/reply.ts";
import { SignalRequest } from "../lib/signal.ts";
import * as signals from "../lib/signal-table.ts";
import * as configs from "../lib/software-config-table.ts";
import {
  CreatedDeployments,
  DeploymentPath,
  etagOf,
  ManyDeployments,
  newDeployment,
  OneDeployment,
  type SoftwareDeployment,
  shown,
} from "../lib/software-deployment.ts";
import { changed, rerun as rerunning } from "../lib/software-deployment-change.ts";
import { BatchRequest, CreateRequest, isBatch, requested } from "../lib/software-deployment-creation.ts";
import * as creation from "../lib/software-deployment-creation-table.ts";
import { list as listDeployments } from "../lib/software-deployment-lists.ts";
import * as removal from "../lib/software-deployment-removal-table.ts";
import { checkUpdate, ListQuery, PatchRequest, UpdateRequest } from "../lib/software-deployment-request.ts";
import * as table from "../lib/software-deployment-table.ts";
import { jsonObject, nextLinks, ProjectPath } from "../lib/wire/fields.ts";
import { pageOf } from "../lib/wire/page.ts";

const DEFAULT_TIMEOUT = defaultTimeout();

const clock = (): Date => new Date();

/** One deployment as a change leaves it, with its tag. */
const answered = (deployment: SoftwareDeployment, zone: string, now: Date, headers = {}): Reply =>
  new Reply(
    200,
    { etag: etagOf(deployment, now), ...headers },
    { software_deployment: shown(deployment, zone, now) },
  );

/** What a create made: one, or a list where many were asked for. */
const created = (made: creation.Created, many: boolean, zone: string, now: Date): Reply => {
  const headers = made.replayed ? { "idempotent-replayed": "true" } : {};
  const [one] = made.deployments;
  if (one && !many) return answered(one, zone, now, headers);
  return new Reply(200, headers, {
    software_deployments: made.deployments.map((each) => shown(each, zone, now)),
  });
};

/** `POST /v1/{project_id}/software_deployments`: one, or many at once. */
export const create = endpoint(
  {
    access: byProject,
    path: ProjectPath,
    body: CreateRequest,
    batch: BatchRequest,
    answer: CreatedDeployments,
    idempotent: true,
  },
  async ({ projectId, body, idempotencyKey: key, requestId, zone }) => {
    const now = new Date();
    const wanted = requested(body).map((one) =>
      newDeployment(projectId, one, uuidv7(), now, DEFAULT_TIMEOUT),
    );
    const made = await creation.create(wanted, { projectId, key, request: body, requestId, now });
    return created(made, isBatch(body), zone, now);
  },
);

const Listed = z.extend(ManyDeployments, { software_deployments_links: nextLinks });

/** `GET /v1/{project_id}/software_deployments` */
export const list = endpoint(
  { access: byProject, path: ProjectPath, query: ListQuery, answer: Listed },
  async ({ projectId, query, baseUrl, zone }) => {
    const now = new Date();
    const rows = listDeployments(projectId, query, query, now);
    const page = await pageOf(rows, (row) => shown(row, zone, now), query.limit);
    const links = nextLink(`${baseUrl}/v1/${projectId}/software_deployments`, page.next, query);
    return { software_deployments: page.rows, ...(links && { software_deployments_links: links }) };
  },
);

/** `GET /v1/{project_id}/software_deployments/{id}` */
export const show = endpoint(
  { path: DeploymentPath, answer: OneDeployment, access: byDelegate },
  async ({ projectId, delegate, path, zone, method, known }) => {
    const now = new Date();
    const deployment = await table.get(projectId, path.id, now, delegate);
    return conditionally({ method, known }, { etag: etagOf(deployment, now) }, () => ({
      software_deployment: shown(deployment, zone, now),
    }));
  },
);

/** `PUT /v1/{project_id}/software_deployments/{id}` */
export const update = endpoint(
  { path: DeploymentPath, body: UpdateRequest, answer: OneDeployment, access: byDelegate },
  async ({ projectId, delegate, path, body, requestId, zone, known }) => {
    checkUpdate(body, delegate);
    await configs.checkReferences(projectId, body.config_id);
    const by = { projectId, requestId, now: new Date(), clock, delegate };
    const expects = expectation(known);
    return answered(await table.update(path.id, changed(body, by), { ...by, expects }), zone, by.now);
  },
);

/** `PATCH /v1/{project_id}/software_deployments/{id}`: a JSON merge patch (RFC 7396), in which null clears. */
export const patch = endpoint(
  { path: DeploymentPath, body: PatchRequest, answer: OneDeployment, access: byDelegate },
  async ({ projectId, delegate, path, body, requestId, zone, known }) => {
    checkUpdate(body, delegate);
    await configs.checkReferences(projectId, body.config_id);
    const by = { projectId, requestId, now: new Date(), clock, delegate };
    return answered(await table.patch(path.id, body, { ...by, expects: expectation(known) }), zone, by.now);
  },
);

/** `DELETE /v1/{project_id}/software_deployments/{id}` */
export const remove = endpoint({ access: byProject, path: DeploymentPath }, ({ projectId, path, known }) =>
  removal.remove(projectId, path.id, { now: new Date(), clock, expects: expectation(known) }),
);

/** `POST /v1/{project_id}/software_deployments/{id}/rerun`: the agent runs it once more. */
export const rerun = endpoint(
  { access: byProject, path: DeploymentPath, answer: OneDeployment },
  async ({ projectId, path, requestId, zone, known }) => {
    const by = { projectId, requestId, now: new Date(), clock };
    const circumstances = { ...by, expects: expectation(known) };
    return answered(await table.update(path.id, rerunning(by), circumstances), zone, by.now);
  },
);

/** `POST /v1/{project_id}/software_deployments/{id}/signal`: a run's result, by whoever has a token for it. */
export const signal = endpoint(
  { path: DeploymentPath, body: SignalRequest, bodyOf: "agent", answer: jsonObject, access: byDelegate },
  async ({ projectId, delegate, path, body, requestId }) => {
    const by = delegate === undefined ? "user" : "delegated tenant";
    const circumstances = { projectId, requestId, now: new Date(), clock, delegate };
    await signals.signal(path.id, { outputs: body, by }, circumstances);
    return {};
  },
);

/** `GET /v1/{project_id}/software_deployments/{id}/events` */
export const events = endpoint(
  { access: byProject, path: DeploymentPath, answer: EventList },
  async ({ projectId, path, zone }) => {
    const now = new Date();
    const { deployment, events } = await table.history(projectId, path.id, now);
    return { events: shownEvents(deployment, events, zone, now) };
  },
);
