import type { MiddlewareObj } from "@middy/core";
import { type Capability, unseal } from "../auth/capability.ts";
import type { Access, Answer, EndpointEvent } from "./event.ts";

/**
 * Middleware: lets through who comes by a link that allows this, without any other credentials.
 * @throws ServiceError `unauthorized` for every other link, and without one
 */
const authorizeLink = (allows: Capability["allows"]): MiddlewareObj<EndpointEvent, Answer> => ({
  before: ({ event }) => {
    const capability = unseal(event.queryStringParameters?.capability ?? "", allows);
    event.caller = { projectId: capability.project, mayWrite: false, capability };
  },
});

/** Who may call: the holder of a link for collecting. */
export const byLinkToCollect: Access = [authorizeLink("collect")];

/** Who may call: the holder of a link for a result. */
export const byLinkToSignal: Access = [authorizeLink("signal")];
