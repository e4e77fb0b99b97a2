import * as z from "zod/mini";
import { documented, timeText } from "../shapes.ts";
import { isoTimeOf } from "../times.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import { Status } from "./fields.ts";
import { hasTimedOut } from "./run.ts";

/** What can happen to a deployment. */
const EventName = z.enum(["created", "changed", "collected", "signalled", "rerun", "timed_out"]);

/** Who did something: a token of the project, of its delegated tenant, a signed link, or the service itself. */
const Actor = z.enum(["user", "delegated tenant", "link", "service"]);
export type Actor = z.infer<typeof Actor>;

/** An event as a response shows it. */
const EventView = documented(
  z.object({
    time: timeText,
    event: EventName,
    by: documented(Actor, {
      description: "A token of the project, of its delegated tenant, a signed link, or the service itself.",
    }),
    fields: documented(z.optional(z.array(z.string())), { description: "Which fields changed; no values." }),
    status_before: z.nullable(Status),
    status_after: z.nullable(Status),
    request_id: documented(z.optional(z.string()), {
      description: "The `x-openstack-request-id` of the request that did it.",
    }),
  }),
  { id: "DeploymentEvent" },
);
type EventView = z.infer<typeof EventView>;

/** The response with a deployment's history, the oldest event first. */
export const EventList = z.object({ events: z.array(EventView) });

/** How many events there may be before the oldest are dropped. */
export const MAX_EVENTS = 150;

/** How many events are kept when the oldest are dropped. */
const KEPT_EVENTS = 100;

/** How many of the owner's own events are kept, whatever else happens. */
const PROTECTED_EVENTS = 10;

/** An event as it is kept. The status before it is the one after the event before. */
export interface DeploymentEvent {
  /** Seconds since 1970. */
  at: number;
  event: z.infer<typeof EventName>;
  by: Actor;
  /** The id of the invocation, a UUID. */
  request_id: string;
  /** Which fields changed; never their values. */
  fields?: string[];
  /** The status after it, where it sets one. */
  status?: Status;
  /** The status before it, where the events before it were dropped. */
  before?: Status;
}

/** The actor that a caller with a token is. @param delegateProjectId see `isVisibleTo` */
export function actorOf(delegateProjectId: string | undefined): Actor {
  return delegateProjectId === undefined ? "user" : "delegated tenant";
}

/** The status that a request has brought a deployment to; undefined where it had that before. */
export function newStatusBy(requestId: string, events: DeploymentEvent[]): Status | undefined {
  const own = events.findLastIndex(({ request_id }) => request_id === requestId);
  const { status, before = events.slice(0, own).findLast((event) => event.status)?.status } =
    events[own] ?? {};
  return status === before ? undefined : status;
}

/** A deployment's history as a caller sees it, a time limit that has passed unwritten included. */
export function eventsView(
  deployment: SoftwareDeployment,
  events: DeploymentEvent[],
  now: Date,
): EventView[] {
  const all = hasTimedOut(deployment, now) ? [...events, timedOutEvent(deployment, "")] : events;
  let status: Status | null = null;
  return all.map(({ at, event, by, request_id, fields, status: after, before: kept }) => {
    const before = kept ?? status;
    status = after ?? before;
    return {
      time: isoTimeOf(at),
      event,
      by,
      ...(fields && { fields }),
      status_before: before,
      status_after: status,
      ...(request_id !== "" && { request_id: `req-${request_id}` }),
    };
  });
}

/** The event of a time limit that has passed: it happened at the deadline, without anybody writing it. */
export function timedOutEvent({ deadlineAt }: SoftwareDeployment, requestId: string): DeploymentEvent {
  return { at: deadlineAt, event: "timed_out", by: "service", request_id: requestId, status: "FAILED" };
}

/**
 * The events that are kept when there are too many: the newest, and, so that nobody can push them out, the creation and
 * the last ten of the owner's own. Where others were dropped before one, it keeps the status that they had led to.
 */
export function keptEvents(events: DeploymentEvent[]): DeploymentEvent[] {
  const numbers = events.map((_, number) => number);
  const owners = numbers.filter((number) => events[number]?.by === "user");
  const created = numbers.filter((number) => events[number]?.event === "created");
  const protectedOnes = [...created, ...owners.slice(-PROTECTED_EVENTS)];
  const kept = new Set([...new Set([...protectedOnes, ...numbers.toReversed()])].slice(0, KEPT_EVENTS));
  let status = events[0]?.before;
  return events.flatMap((event, number) => {
    const before = event.before ?? status;
    status = event.status ?? before;
    if (!kept.has(number)) return [];
    const followsDropped = number > 0 && !kept.has(number - 1);
    return [followsDropped && before ? { ...event, before } : event];
  });
}
