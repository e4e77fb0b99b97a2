import * as z from "zod/mini";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { agentLinks, linkExpiry } from "../../lib/link/addresses.ts";
import { MetadataUrl, ServerPath } from "../../lib/server/server.ts";
import { documented, timeText } from "../../lib/shapes.ts";
import { isoTimeOf } from "../../lib/times.ts";

const ServerLink = documented(
  z.object({
    metadata_url: MetadataUrl,
    expires_time: timeText,
  }),
  { id: "ServerLink" },
);

/**
 * `POST /v1/{project_id}/software_deployments/metadata/{server_id}/link`: makes a signed link by which the server's
 * agent collects what it is to run, and needs no other credentials.
 */
export const handler = endpoint(
  { access: byProject, path: ServerPath, response: ServerLink },
  async ({ projectId, path, baseUrl, now }) => {
    const issued = now.getTime();
    const expires = linkExpiry(issued);
    const link = { project: projectId, server: path.server_id, issued, expires };
    const links = await agentLinks(baseUrl);
    return { metadata_url: links.collectUrl(link), expires_time: isoTimeOf(expires) };
  },
);
