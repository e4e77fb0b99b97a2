import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ServerPath } from "../../lib/server/server.ts";
import { revokeLinks } from "../../lib/server/store.ts";

/**
 * `DELETE /v1/{project_id}/software_deployments/metadata/{server_id}/link`: makes all links void that the server was
 * given until now, within 60 s.
 */
export const handler = endpoint({ access: byProject, path: ServerPath }, ({ projectId, path, now }) =>
  revokeLinks(projectId, path.server_id, now),
);
