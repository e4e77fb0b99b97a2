import { DeploymentPath } from "../../lib/deployment/deployment.ts";
import { SignalRequest, SignalResponse } from "../../lib/deployment/signal.ts";
import { signalDeployment } from "../../lib/deployment/table/signal.ts";
import { byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";

/** `POST /v1/{project_id}/software_deployments/{id}/signal`: the result of a run, from whoever has a token for it. */
export const handler = endpoint(
  {
    access: byProjectOrDelegate,
    path: DeploymentPath,
    body: SignalRequest,
    bodyOf: "agent",
    response: SignalResponse,
  },
  async ({ projectId, delegate, path, body, requestId }) => {
    const by = delegate === undefined ? "user" : "delegated tenant";
    const context = { projectId, requestId, now: new Date(), clock: () => new Date(), delegate };
    await signalDeployment(path.id, { outputs: body, by }, context);
    return {};
  },
);
