import * as z from "zod/mini";
import { hasTimedOut } from "./deployment-run.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import type { Status } from "./software-deployment-request.ts";
import { instantOf, shownInstant } from "./wire/instant.ts";

/** Who did something: a token of the project, of its delegated tenant, a link, or the service itself. */
export type Actor = "user" | "delegated tenant" | "link" | "service";

/** An event as it is kept with its deployment; the status before it is the one after the event before. */
export interface DeploymentEvent {
  /** Seconds since 1970. */
  at: number;
  event: "created" | "changed" | "collected" | "signalled" | "rerun" | "timed_out";
  by: Actor;
  request_id: string;
  /** Which fields changed; never their values. */
  fields?: string[];
  /** The status after it, where it sets one. */
  status?: Status;
  /** The status before it, where the events before it are not kept any more. */
  before?: Status;
}

/** An event as the API shows it. */
export const ShownEvent = z.object({
  time: z.string(),
  event: z.string(),
  by: z.string(),
  fields: z.optional(z.array(z.string())),
  status_before: z.nullable(z.string()),
  status_after: z.nullable(z.string()),
  request_id: z.string(),
});

/** The answer that tells a deployment's history, the oldest event first. */
export const EventList = z.object({ events: z.array(ShownEvent) });

/** How many events of a deployment are kept at least. */
const KEPT_EVENTS = 100;

/** How many events there may be before the oldest go. */
export const TOO_MANY_EVENTS = 150;

/** That a deployment ran into its time limit, which happened without anybody writing it. */
export const timedOutEvent = ({ deadline }: SoftwareDeployment, requestId: string): DeploymentEvent => ({
  at: deadline,
  event: "timed_out",
  by: "service",
  request_id: requestId,
  status: "FAILED",
});

/** A deployment's newest events; the first of them keeps the status that older ones had led to. */
export const newest = (events: DeploymentEvent[]): DeploymentEvent[] => {
  const cut = events.length - KEPT_EVENTS;
  if (cut <= 0) return events;
  const gone = events.slice(0, cut);
  const before = gone.findLast(({ status }) => status !== undefined)?.status ?? gone[0]?.before;
  const [first, ...rest] = events.slice(cut);
  return first ? [{ ...first, ...(before && { before }) }, ...rest] : [];
};

/**
 * A deployment's history as a caller sees it, a time limit that has passed unwritten included.
 * @param zone how UTC is marked at the end of a time
 */
export const shownEvents = (
  deployment: SoftwareDeployment,
  events: DeploymentEvent[],
  zone: string,
  now: Date,
): z.infer<typeof ShownEvent>[] => {
  const all = hasTimedOut(deployment, now) ? [...events, timedOutEvent(deployment, "")] : events;
  let status: string | null = all[0]?.before ?? null;
  return all.map(({ at, event, by, request_id, fields, status: after }) => {
    const before = status;
    status = after ?? before;
    return {
      time: shownInstant(instantOf(at), zone),
      event,
      by,
      ...(fields && { fields }),
      status_before: before,
      status_after: status,
      request_id: request_id && `req-${request_id}`,
    };
  });
};
