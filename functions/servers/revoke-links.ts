import { setTimeout } from "node:timers/promises";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ServerPath } from "../../lib/server/server.ts";
import { revokeLinks } from "../../lib/server/store.ts";

/**
 * `DELETE /v1/{project_id}/software_deployments/metadata/{server_id}/link`: makes all links void that the server was
 * given until now, within 60 s. It answers when the current second is over: the begin of a run is kept in seconds, and
 * a run that begins after the answer must have links that are valid.
 */
export const handler = endpoint({ access: byProject, path: ServerPath }, async ({ projectId, path, now }) => {
  await revokeLinks(projectId, path.server_id, now);
  await setTimeout(1_000 - (now.getTime() % 1_000));
});
