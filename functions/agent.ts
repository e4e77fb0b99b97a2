import { signalExpiry } from "../lib/deployment-run.ts";
import { collected, linksVersion, signalled, signalUrl } from "../lib/http/agent-links.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { conditionally } from "../lib/http/reply.ts";
import { AgentMetadata } from "../lib/server-metadata.ts";
import { tell } from "../lib/server-metadata-table.ts";
import { checkLink, validators } from "../lib/server-state.ts";
import { recordCollected } from "../lib/server-table.ts";
import { fittedResult, SignalRequest } from "../lib/signal.ts";
import * as configs from "../lib/software-config-table.ts";
import type { SoftwareDeployment } from "../lib/software-deployment.ts";
import * as lists from "../lib/software-deployment-lists.ts";
import * as table from "../lib/software-deployment-table.ts";
import { jsonObject } from "../lib/wire/fields.ts";

/** `GET /agent/metadata`: what a server is to run, for the `request` collector of os-collect-config. */
export const metadata = endpoint(
  { answer: AgentMetadata, access: "collect" },
  async ({ capability, method, known, baseUrl, requestId, zone }) => {
    const { project, server, issued } = collected(capability);
    const now = new Date();
    const state = await lists.serverState(project, server);
    checkLink(state, issued);
    return conditionally({ method, known }, validators(state, linksVersion(baseUrl), now), async () => {
      const telling = { zone, now, signalUrl: signalUrl<SoftwareDeployment>(baseUrl, signalExpiry) };
      const { deployments, metadata } = await tell(project, server, telling);
      await recordCollected(deployments, requestId, now);
      return { deployments: metadata };
    });
  },
);

/** `PUT` and `POST /agent/signal`: the result of one delivery, as heat-config-notify sends it. */
export const signal = endpoint(
  { body: SignalRequest, bodyOf: "agent", answer: jsonObject, access: "signal" },
  async ({ capability, body, requestId }) => {
    const { project, deployment, delivery } = signalled(capability);
    const report: table.Report = {
      delivery,
      by: "link",
      resultOf: async ({ config_id }, room) =>
        fittedResult(body, await configs.declaredOutputs(project, config_id), room),
    };
    await table.report(deployment, report, { projectId: project, requestId, now: new Date() });
    return {};
  },
);
