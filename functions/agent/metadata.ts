import { linksVersion, requireLink, signalUrlFor } from "../../lib/http/agent-links.ts";
import { byCollectLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { conditionalReply } from "../../lib/http/preconditions.ts";
import { AgentMetadata } from "../../lib/server/metadata.ts";
import { checkNotRevoked, validatorsOf } from "../../lib/server/state.ts";
import { collectMetadata } from "../../lib/server/table/metadata.ts";
import { getServerState } from "../../lib/server/table/state.ts";

/**
 * `GET /agent/metadata`: the configurations that a server is to run, polled by the `request` collector of
 * os-collect-config. What is sent for the first time is recorded as collected. Most polls are HEAD or conditional GETs
 * that are answered 304: they cost one query of an index.
 */
export const handler = endpoint(
  { access: byCollectLink, response: AgentMetadata },
  async ({ link, baseUrl, requestId, method, preconditions }) => {
    const { project, server, issued } = requireLink(link, "collect");
    const now = new Date();
    const state = await getServerState(project, server, now);
    checkNotRevoked(state, issued);
    const options = { now, signalUrl: signalUrlFor(baseUrl) };
    const validators = validatorsOf(state, linksVersion(baseUrl), now);
    return conditionalReply({ method, preconditions }, validators, async () => ({
      deployments: await collectMetadata(project, state.deployments, options, requestId),
    }));
  },
);
