import { isContainer } from "../wire/exact-json.ts";
import type { EndpointEvent } from "./event.ts";

/** The fields of responses that hold times. */
const TIMES = ["creation_time", "updated_time", "collected_time", "time", "expires_at"];

/** Whether a request comes from OTC's Go SDK. */
export function isGoSdk({ headers }: EndpointEvent): boolean {
  return headers["user-agent"]?.includes("golangsdk/") ?? false;
}

/**
 * A response's body as OTC's Go SDK, and the Terraform provider built on it, can read it: they read times as
 * `2006-01-02T15:04:05` and fail on the `Z` that marks UTC. All that this one client gets differently is made here.
 */
export function forGoSdk(body: object): object {
  const resources = Object.entries(body).map(([name, value]) => [name, withoutZones(value)]);
  return withoutZone(Object.fromEntries(resources));
}

/** The resources of a response, one or many. */
function withoutZones(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => (isContainer(one) ? withoutZone(one) : one));
  return isContainer(value) && !JSON.isRawJSON(value) ? withoutZone(value) : value;
}

function withoutZone(resource: object): object {
  return Object.fromEntries(
    Object.entries(resource).map(([name, value]) => [
      name,
      TIMES.includes(name) && typeof value === "string" ? value.replace(/Z$/, "") : value,
    ]),
  );
}
