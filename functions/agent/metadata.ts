import { AgentMetadata } from "../../lib/delivery/metadata.ts";
import { pollByLink } from "../../lib/delivery/poll.ts";
import { byCollectLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { conditionalReply, unvalidatedReply } from "../../lib/http/preconditions.ts";
import { agentLinks } from "../../lib/link/addresses.ts";

/**
 * `GET /agent/metadata`: hands a server what it is to run, as the `request` collector of os-collect-config polls it.
 * What is sent for the first time is recorded as collected before. Most polls are HEAD or conditional GETs that are answered
 * 304: they cost one query of an index. The document also holds the agent's own configuration, which a standard
 * heat-agents image renders from it: else the server would be lost after its first run.
 */
export const handler = endpoint(
  { access: byCollectLink, response: AgentMetadata, compressed: true },
  async ({ link, baseUrl, method, preconditions, count, ...request }) => {
    const options = { ...request, clock: request.change.clock, stateAlone: method === "HEAD" };
    const poll = await pollByLink(link, await agentLinks(baseUrl), options);
    return conditionalReply({ method, preconditions }, poll.validators, async () => {
      const { document, matchesValidators, count: collected } = await poll.collect();
      count({ DeploymentsCollected: collected });
      return matchesValidators ? document : unvalidatedReply(document);
    });
  },
);
