import { DeploymentPath } from "../../lib/deployment/deployment.ts";
import { actorOf } from "../../lib/deployment/history.ts";
import { SignalRequest, SignalResponse } from "../../lib/deployment/signal-request.ts";
import { signalDeployment } from "../../lib/deployment/store/report.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";

/**
 * `POST /v1/{project_id}/software_deployments/{id}/signal`: reports the result of a run, by a token.
 * The deployment is `COMPLETE`, or `FAILED` where `deploy_status_code` is not 0, or where an output is there that is
 * declared to mean an error. The first result counts; one that comes after the time limit keeps its outputs and changes
 * no status; later ones are answered 200 and not read.
 */
export const handler = endpoint(
  {
    access: byProjectOrDelegate,
    path: DeploymentPath,
    body: SignalRequest,
    lenientBody: true,
    lateBody: true,
    failuresCount: "ResultsRefused",
    response: SignalResponse,
  },
  async ({ delegateProjectId, path, readBody: outputs, change, count }) => {
    const signal = { outputs, by: actorOf(delegateProjectId) };
    count((await signalDeployment(path.id, signal, change)).counts);
    return {};
  },
);
