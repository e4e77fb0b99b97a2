import { ServerMetadata } from "../../lib/delivery/metadata.ts";
import { metadataByToken } from "../../lib/delivery/poll.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { agentLinks } from "../../lib/link/addresses.ts";
import { ServerPath } from "../../lib/server/server.ts";

/**
 * `GET /v1/{project_id}/software_deployments/metadata/{server_id}`: shows what a server is to run.
 * That is the configuration of each of its deployments, with a value for every input. A reader gets no links for
 * signals, as whoever holds one can report a result.
 */
export const handler = endpoint(
  { access: byProjectOrDelegate, path: ServerPath, response: ServerMetadata },
  async ({ projectId, delegateProjectId, mayWrite, path, baseUrl, now }) => {
    const links = mayWrite ? await agentLinks(baseUrl) : undefined;
    const options = { now, delegateProjectId, signalUrl: links?.signalUrl };
    return { metadata: await metadataByToken(projectId, path.server_id, options) };
  },
);
