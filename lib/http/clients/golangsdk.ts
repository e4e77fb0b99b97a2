import { asText, isContainer, isJsonObject } from "../../json/exact-json.ts";
import { MAX_RESPONSE_BYTES, responseBytes } from "../../limits/response-size.ts";
import type { EndpointEvent } from "../event.ts";

/** What a client needs that others do not. */
export interface ClientNeeds {
  /** Whether it gets inputs and outputs of a configuration as they were sent, and not normalized. */
  definitionsAsSent: boolean;
  /** A resource of a response as it reads it. */
  shown: (resource: object) => object;
  /** Whether what it is shown may be larger than what others are. */
  enlarges: boolean;
  /** How it sends back values that it was shown; undefined where it is as they are. */
  sentBack: ((value: unknown) => unknown) | undefined;
}

/** The fields of responses that hold times. */
const TIMES = ["creation_time", "updated_time", "collected_time", "time", "expires_at"];

/** The fields of responses that hold values by name, and those that hold lists of them. */
const VALUES = ["input_values", "output_values"];
const DEFINITIONS = ["inputs", "outputs"];

const TOO_LARGE = "input_values and output_values are left out: they are too large for this client";

const NO_NEEDS: ClientNeeds = {
  definitionsAsSent: false,
  shown: (resource) => resource,
  enlarges: false,
  sentBack: undefined,
};
const GO_SDK_NEEDS: ClientNeeds = {
  definitionsAsSent: true,
  shown: resourceForGoSdk,
  enlarges: true,
  sentBack: sentBackByGoSdk,
};

/** Whether a request comes from OTC's Go SDK, or from the Terraform provider that is built on it. */
export function isGoSdk({ headers }: EndpointEvent): boolean {
  return headers["user-agent"]?.includes("golangsdk/") ?? false;
}

/** What the client of a request needs. */
export function needsOf(event: EndpointEvent): ClientNeeds {
  return isGoSdk(event) ? GO_SDK_NEEDS : NO_NEEDS;
}

/**
 * A response's body as the Go SDK can read it: it reads times as `2006-01-02T15:04:05` and fails on the `Z` that marks
 * UTC; and it reads maps of texts alone, so every other value in them becomes its JSON text, but for null.
 *
 * All that this one client gets differently is decided in this file; besides what is said here, inputs and outputs as
 * they were sent, and 403 for a valid token that does not authorize a request, as it answers 401 with new tokens without
 * end.
 */
export function forGoSdk(body: object): object {
  const resources = Object.entries(body).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(memberForGoSdk) : memberForGoSdk(value),
  ]);
  return withoutZones(Object.fromEntries(resources));
}

function memberForGoSdk(value: unknown): unknown {
  return isJsonObject(value) ? resourceForGoSdk(value) : value;
}

/** Texts of JSON are longer than the JSON: values that then take a whole response are left out. */
function resourceForGoSdk(resource: object): object {
  const members = Object.entries(resource).map(([name, value]) => {
    if (VALUES.includes(name)) return [name, textValues(value)];
    if (DEFINITIONS.includes(name) && Array.isArray(value)) return [name, value.map(textValues)];
    return [name, value];
  });
  const shown = withoutZones(Object.fromEntries(members));
  if (!("input_values" in shown) || responseBytes(shown) <= MAX_RESPONSE_BYTES) return shown;
  return { ...shown, ...Object.fromEntries(VALUES.map((name) => [name, null])), warning: TOO_LARGE };
}

function withoutZones(resource: object): object {
  return Object.fromEntries(
    Object.entries(resource).map(([name, value]) => [
      name,
      TIMES.includes(name) && typeof value === "string" ? value.replace(/Z$/, "") : value,
    ]),
  );
}

function textValues(values: unknown): unknown {
  if (!isContainer(values)) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null ? null : asText(value)]),
  );
}

/** It reads null as the empty text, and sends that back. */
function sentBackByGoSdk(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, one === null ? "" : asText(one)]),
  );
}
