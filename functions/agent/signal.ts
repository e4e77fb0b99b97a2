import { SignalRequest, SignalResponse } from "../../lib/deployment/result.ts";
import { signalDeployment } from "../../lib/deployment/store/signal.ts";
import { countsOf } from "../../lib/deployment/transitions.ts";
import { bySignalLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { requireLink } from "../../lib/link/addresses.ts";

/**
 * `PUT` and `POST /agent/signal`: reports the result of one delivery, as heat-config-notify sends it by its link.
 * A result of an older delivery, one that comes too late and a second one are answered 200 and change nothing.
 */
export const handler = endpoint(
  {
    access: bySignalLink,
    body: SignalRequest,
    lenientBody: true,
    failuresCount: "ResultsRefused",
    response: SignalResponse,
  },
  async ({ link, body, requestId, count }) => {
    const { project: projectId, deployment, ...delivery } = requireLink(link, "signal");
    const context = { projectId, requestId, now: new Date(), clock: () => new Date() };
    const signal = { outputs: body, by: "link", link: delivery } as const;
    count(countsOf(await signalDeployment(deployment, signal, context)));
    return {};
  },
);
