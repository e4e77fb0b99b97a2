import { MAX_RESULT_BYTES, SignalRequest, SignalResponse } from "../../lib/deployment/signal-request.ts";
import { signalDeployment } from "../../lib/deployment/store/report.ts";
import { bySignalLink } from "../../lib/http/authorize-link.ts";
import { endpoint } from "../../lib/http/endpoint.ts";

/**
 * `PUT` and `POST /agent/signal`: reports the result of one delivery, as heat-config-notify sends it by its link.
 * The first result of a run counts. One that comes after the time limit keeps its outputs, the first of an older delivery
 * leaves an event; every other is answered 200 and not read.
 */
export const handler = endpoint(
  {
    access: bySignalLink,
    body: SignalRequest,
    lenientBody: true,
    lateBody: true,
    maxBodyBytes: MAX_RESULT_BYTES,
    failuresCount: "ResultsRefused",
    response: SignalResponse,
  },
  async ({ link, readBody: outputs, change, count }) => {
    count((await signalDeployment(link.deployment, { outputs, by: "link", link }, change)).counts);
    return {};
  },
);
