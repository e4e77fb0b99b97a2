import { AgentMetadata } from "../../lib/delivery/metadata.ts";
import { collectMetadata, readServer } from "../../lib/delivery/poll.ts";
import { checkNotRevoked, validatorsOf } from "../../lib/delivery/validators.ts";
import { byCollectLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { conditionalReply, withoutValidators } from "../../lib/http/preconditions.ts";
import { epochSeconds } from "../../lib/iso-time.ts";
import { agentLinks, presentLink, requireLink } from "../../lib/link/addresses.ts";

/**
 * `GET /agent/metadata`: hands a server what it is to run, as the `request` collector of os-collect-config polls it.
 * What is sent for the first time is recorded as collected. Most polls are HEAD or conditional GETs that are answered
 * 304: they cost one query of an index. The document also holds the agent's own configuration, which a standard
 * heat-agents image renders from it: else the server would be lost after its first run.
 */
export const handler = endpoint(
  { access: byCollectLink, response: AgentMetadata },
  async ({ link, baseUrl, requestId, method, preconditions, count }) => {
    const own = requireLink(link, "collect");
    const now = new Date();
    const server = await readServer(own.project, own.server, now, { stateAlone: method === "HEAD" });
    const { state } = server;
    checkNotRevoked(state, own.issued);
    const present = presentLink(own, now);
    // A successor counts as a change: an agent that always gets 304 would never learn of it.
    const changedAt =
      present === own ? state.changedAt : Math.max(state.changedAt, epochSeconds(new Date(present.issued)));
    const links = await agentLinks(baseUrl);
    const validators = validatorsOf({ ...state, changedAt }, links.version(present), now);
    const options = { now, signalUrl: links.signalUrl };
    let isAsKnown = true;
    const reply = await conditionalReply({ method, preconditions }, validators, async () => {
      const collected = await collectMetadata(own.project, server, options, requestId);
      isAsKnown = collected.isAsKnown;
      count({ DeploymentsCollected: collected.collected });
      const request = { metadata_url: links.collectUrl(present) };
      return {
        deployments: collected.metadata,
        "os-collect-config": { collectors: ["request"], request },
      };
    });
    return isAsKnown ? reply : withoutValidators(reply);
  },
);
