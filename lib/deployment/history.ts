import * as z from "zod/mini";
import { documented, timeText } from "../shapes.ts";
import { isoTimeOf } from "../times.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import { Status } from "./fields.ts";
import { hasTimedOut } from "./run.ts";

/** The names of the events. */
const EventName = z.enum([
  "created",
  "changed",
  "collected",
  "signalled",
  "signal_refused",
  "rerun",
  "canceled",
  "timed_out",
]);

/** The cause of an event: a token of the project or of its delegated tenant, a signed link, or the service itself. */
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
    late: documented(z.optional(z.literal(true)), {
      description:
        "Of `signalled`: the result came after the time limit, or a cancel. It keeps its outputs, and no status.",
    }),
    superseded: documented(z.optional(z.literal(true)), {
      description: "Of `signalled`: the result is of an older delivery, and changes nothing.",
    }),
    deploy_status_code: documented(z.optional(z.nullable(z.number())), {
      description: "The exit code of a late or superseded result; null where it sent none.",
    }),
    request_id: documented(z.optional(z.string()), {
      description: "The `x-openstack-request-id` of the request that did it.",
    }),
  }),
  { id: "DeploymentEvent" },
);
type EventView = z.infer<typeof EventView>;

/** The response with a deployment's history, the oldest event first. */
export const EventList = z.object({ events: z.array(EventView) });

/** The number of events above which the oldest are dropped. */
export const MAX_EVENTS = 150;

/** The number of events that remain after trimming. */
const TRIMMED_LENGTH = 100;

/** The number of the owner's last events that trimming never drops. */
const PROTECTED_EVENTS = 10;

/** An event as it is stored. The status before it is the one after the preceding event. */
export interface DeploymentEvent {
  /** Seconds since 1970. */
  at: number;
  event: z.infer<typeof EventName>;
  by: Actor;
  /** The id of the invocation, a UUID. */
  request_id: string;
  /** A text that the repeats of its request share, if that has an `Idempotency-Key`. */
  key?: string;
  /** The names of the changed fields; never their values. */
  fields?: string[];
  /** The status that it sets, if it sets one. */
  status?: Status;
  /** The number of the delivery that a result is of. Results of before this was recorded lack it. */
  delivery?: number;
  /** Whether a result came too late, or is of an older delivery; then `code` is its exit code. */
  late?: true;
  superseded?: true;
  code?: number | null;
  /** The status before it, if the events before it were dropped. */
  before?: Status;
}

/** The actor for a caller with a token. @param delegateProjectId see `isVisibleTo` */
export function actorOf(delegateProjectId: string | undefined): Actor {
  return delegateProjectId === undefined ? "user" : "delegated tenant";
}

/** The status that a request has set; undefined if the deployment had that status before. */
export function newStatusBy(requestId: string, events: DeploymentEvent[]): Status | undefined {
  const index = events.findLastIndex(({ request_id }) => request_id === requestId);
  const { status, before = events.slice(0, index).findLast((event) => event.status)?.status } =
    events[index] ?? {};
  return status === before ? undefined : status;
}

/** A deployment's history as callers see it. It includes a passed time limit that no write has recorded yet. */
export function eventsView(
  deployment: SoftwareDeployment,
  events: DeploymentEvent[],
  now: Date,
): EventView[] {
  const all = hasTimedOut(deployment, now) ? [...events, timedOutEvent(deployment, "")] : events;
  let status: Status | null = null;
  return all.map((entry) => {
    const { at, event, by, request_id, fields, late, superseded, code } = entry;
    const { status: after, before: stored } = entry;
    const before = stored ?? status;
    status = after ?? before;
    return {
      time: isoTimeOf(at),
      event,
      by,
      ...(fields && { fields }),
      status_before: before,
      status_after: status,
      ...(late && { late }),
      ...(superseded && { superseded }),
      ...(code !== undefined && { deploy_status_code: code }),
      ...(request_id !== "" && { request_id: `req-${request_id}` }),
    };
  });
}

/** The event of a passed time limit. Its time is the deadline, whenever it is written. */
export function timedOutEvent({ deadlineAt }: SoftwareDeployment, requestId: string): DeploymentEvent {
  return { at: deadlineAt, event: "timed_out", by: "service", request_id: requestId, status: "FAILED" };
}

/**
 * The events that remain when there are too many: the newest, and always the creation and the last ten of the owner, so
 * that no other caller can push those out. An event after dropped ones stores the status before it.
 */
export function trimmedEvents(events: DeploymentEvent[]): DeploymentEvent[] {
  const numbers = events.map((_, number) => number);
  const owners = numbers.filter((number) => events[number]?.by === "user");
  const created = numbers.filter((number) => events[number]?.event === "created");
  const ranked = new Set([...created, ...owners.slice(-PROTECTED_EVENTS), ...numbers.toReversed()]);
  const remaining = new Set([...ranked].slice(0, TRIMMED_LENGTH));
  let status = events[0]?.before;
  return events.flatMap((event, number) => {
    const before = event.before ?? status;
    status = event.status ?? before;
    if (!remaining.has(number)) return [];
    const followsDropped = number > 0 && !remaining.has(number - 1);
    return [followsDropped && before ? { ...event, before } : event];
  });
}
