import { ServerMetadata } from "../../lib/delivery/metadata.ts";
import { metadataByToken } from "../../lib/delivery/poll.ts";
import type { DeliveredDeployment } from "../../lib/deployment/deployment.ts";
import { beginOf } from "../../lib/deployment/run.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { agentLinks } from "../../lib/link/addresses.ts";
import { ServerPath } from "../../lib/server/server.ts";

/**
 * `GET /v1/{project_id}/software_deployments/metadata/{server_id}`: shows what a server is to run.
 * That is the configuration of each of its deployments, with a value for every input. What goes out with links for
 * results is recorded as collected before: whoever holds such a link can report a result. A reader gets no links, and
 * neither a reader's request nor a HEAD collects anything.
 */
export const handler = endpoint(
  { access: byProjectOrDelegate, path: ServerPath, response: ServerMetadata, compressed: true },
  async ({ projectId, path, mayWrite, baseUrl, method, count, ...request }) => {
    if (method === "HEAD") return { metadata: [] };
    const links = mayWrite ? await agentLinks(baseUrl) : undefined;
    const signalUrl = links && ((run: DeliveredDeployment) => links.signalUrl(run, beginOf(run)));
    const options = { ...request, clock: request.change.clock, signalUrl };
    const { metadata, count: collected } = await metadataByToken(projectId, path.server_id, options);
    count({ DeploymentsCollected: collected });
    return { metadata };
  },
);
