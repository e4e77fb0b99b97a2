import { SignalRequest, SignalResponse } from "../../lib/deployment/signal-request.ts";
import { signalDeployment } from "../../lib/deployment/store/report.ts";
import { bySignalLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";

/**
 * `PUT` and `POST /agent/signal`: reports the result of one delivery, as heat-config-notify sends it by its link.
 * A result of an older delivery, one that comes too late and a second one are answered 200 and change nothing.
 */
export const handler = endpoint(
  {
    access: bySignalLink,
    body: SignalRequest,
    lenientBody: true,
    lateBody: true,
    failuresCount: "ResultsRefused",
    response: SignalResponse,
  },
  async ({ link, readBody: outputs, change, count }) => {
    count((await signalDeployment(link.deployment, { outputs, by: "link", link }, change)).counts);
    return {};
  },
);
