import { collected, linksVersion, signalled, signalUrl } from "../lib/http/agent-links.ts";
import { byLinkToCollect, byLinkToSignal } from "../lib/http/authorize-link.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { conditionally } from "../lib/http/reply.ts";
import { serverState } from "../lib/server-lists.ts";
import { AgentMetadata } from "../lib/server-metadata.ts";
import { collect } from "../lib/server-metadata-table.ts";
import { checkLink, validators } from "../lib/server-state.ts";
import { SignalRequest } from "../lib/signal.ts";
import * as signals from "../lib/signal-table.ts";
import { jsonObject } from "../lib/wire/fields.ts";

/** `GET /agent/metadata`: what a server is to run, for the `request` collector of os-collect-config. */
export const metadata = endpoint(
  { answer: AgentMetadata, access: byLinkToCollect },
  async ({ capability, method, known, baseUrl, requestId, zone }) => {
    const { project, server, issued } = collected(capability);
    const telling = { zone, now: new Date(), signalUrl: signalUrl(baseUrl) };
    const state = await serverState(project, server, telling.now);
    checkLink(state, issued);
    return conditionally(
      { method, known },
      validators(state, linksVersion(baseUrl), telling.now),
      async () => ({
        deployments: await collect(project, state.deployments, telling, requestId),
      }),
    );
  },
);

/** `PUT` and `POST /agent/signal`: the result of one delivery, as heat-config-notify sends it. */
export const signal = endpoint(
  { body: SignalRequest, bodyOf: "agent", answer: jsonObject, access: byLinkToSignal },
  async ({ capability, body, requestId }) => {
    const { project, deployment, ...link } = signalled(capability);
    const circumstances = { projectId: project, requestId, now: new Date(), clock: () => new Date() };
    await signals.signal(deployment, { outputs: body, by: "link", link }, circumstances);
    return {};
  },
);
