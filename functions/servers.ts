import * as z from "zod/mini";
import { collectUrl, linkExpiry, signalUrl } from "../lib/http/agent-links.ts";
import { byDelegate, byProject } from "../lib/http/authorize.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { serverState } from "../lib/server-lists.ts";
import { ServerMetadata } from "../lib/server-metadata.ts";
import { tell } from "../lib/server-metadata-table.ts";
import { revokeLinks } from "../lib/server-table.ts";
import { ServerPath } from "../lib/software-deployment.ts";
import { instantOf } from "../lib/wire/instant.ts";

/** `GET /v1/{project_id}/software_deployments/metadata/{server_id}` */
export const metadata = endpoint(
  { path: ServerPath, answer: ServerMetadata, access: byDelegate },
  async ({ projectId, delegate, mayWrite, path, baseUrl, zone }) => {
    const telling = { zone, now: new Date(), signalUrl: mayWrite ? signalUrl(baseUrl) : undefined };
    const { deployments } = await serverState(projectId, path.server_id, telling.now, delegate);
    return { metadata: (await tell(projectId, deployments, telling)).metadata };
  },
);

const AgentLink = z.object({ metadata_url: z.string(), expires_at: z.string() });

/** `POST …/metadata/{server_id}/link`: an address by which the server's agent needs no other credentials. */
export const link = endpoint(
  { access: byProject, path: ServerPath, answer: AgentLink },
  async ({ projectId, path, baseUrl, zone }) => {
    const issued = Date.now();
    const expires = linkExpiry(issued);
    const server = { project: projectId, server: path.server_id, issued, expires };
    return { metadata_url: collectUrl(baseUrl, server), expires_at: instantOf(expires).replace("Z", zone) };
  },
);

/** `DELETE …/metadata/{server_id}/link`: no link of the server that was made until now is valid any more. */
export const revoke = endpoint({ access: byProject, path: ServerPath }, ({ projectId, path }) =>
  revokeLinks(projectId, path.server_id, new Date()),
);
