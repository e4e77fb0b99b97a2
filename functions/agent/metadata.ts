import { collectLink, linksVersion, signalUrl } from "../../lib/http/agent-links.ts";
import { byCollectLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { conditionalReply } from "../../lib/http/preconditions.ts";
import { AgentMetadata } from "../../lib/server/metadata.ts";
import { checkNotRevoked, validatorsOf } from "../../lib/server/state.ts";
import { collectMetadata } from "../../lib/server/table/metadata.ts";
import { getServerState } from "../../lib/server/table/state.ts";

/**
 * `GET /agent/metadata`: what a server is to run, for the `request` collector of os-collect-config. What it gets for
 * the first time is recorded as collected. It usually asks by HEAD, or for what it knows already: then one query of an
 * index is all that is read.
 */
export const handler = endpoint(
  { access: byCollectLink, response: AgentMetadata },
  async ({ link, baseUrl, requestId, ...request }) => {
    const { project, server, issued } = collectLink(link);
    const now = new Date();
    const state = await getServerState(project, server, now);
    checkNotRevoked(state, issued);
    const options = { now, signalUrl: signalUrl(baseUrl) };
    return conditionalReply(request, validatorsOf(state, linksVersion(baseUrl), now), async () => ({
      deployments: await collectMetadata(project, state.deployments, options, requestId),
    }));
  },
);
