import { asText, isContainer, isJsonObject } from "../../json/exact-json.ts";
import { MAX_RESPONSE_BYTES, responseBytes } from "../../limits/response-size.ts";
import { AS_SENT } from "../../shapes.ts";
import type { ClientQuirks, EndpointEvent } from "../event.ts";

/*
 * OTC's Go SDK, and the Terraform provider that is built on it: all that this one client gets differently.
 *
 * It reads times as `2006-01-02T15:04:05` and fails on the `Z` that marks UTC; it reads maps of texts alone, so every
 * other value in them becomes its JSON text, but for null; it gets inputs and outputs of a configuration as they were
 * sent; what it sends back as it was shown is what it was; and it is told 403 where others are told 401 for a valid token
 * that does not authorize a request, as it answers 401 with new tokens without end.
 */

/** The fields of responses that hold times. */
const TIMES = ["creation_time", "updated_time", "collected_time", "time", "expires_at"];

/** The fields of responses that hold values by name, and those that hold lists of them. */
const VALUES = ["input_values", "output_values"];
const DEFINITIONS = ["inputs", "outputs"];

const TOO_LARGE = "input_values and output_values are left out: they are too large for this client";

const QUIRKS: ClientQuirks = {
  render,
  renderResource,
  echo: (value) => (isJsonObject(value) ? mapTexts(value, "") : value),
};

/** The quirks of the client that sent a request; undefined for every other client. */
export function quirksOf({ headers }: EndpointEvent): ClientQuirks | undefined {
  return headers["user-agent"]?.includes("golangsdk/") ? QUIRKS : undefined;
}

/** A response's body, whose members are resources or lists of them. */
function render(body: object): object {
  const resources = Object.entries(body).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(renderMember) : renderMember(value),
  ]);
  return withoutZones(Object.fromEntries(resources));
}

function renderMember(value: unknown): unknown {
  return isJsonObject(value) ? renderResource(value) : value;
}

/** A resource of a response. Texts of JSON are longer than the JSON: values that then take a whole response are left out. */
function renderResource(resource: object): object {
  const sent = AS_SENT in resource ? resource[AS_SENT] : undefined;
  const members = Object.entries({ ...resource, ...(sent ?? {}) }).map(([name, value]) => {
    if (VALUES.includes(name)) return [name, textValues(value)];
    if (DEFINITIONS.includes(name) && Array.isArray(value)) return [name, value.map(textValues)];
    return [name, value];
  });
  const rendered = withoutZones(Object.fromEntries(members));
  if (!("input_values" in rendered) || responseBytes(rendered) <= MAX_RESPONSE_BYTES) return rendered;
  return { ...rendered, ...Object.fromEntries(VALUES.map((name) => [name, null])), warning: TOO_LARGE };
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
  return isContainer(values) ? mapTexts(values, null) : values;
}

/** Values as texts. @param empty stands for null, which the client reads as the empty text and sends back as that */
function mapTexts(values: object, empty: "" | null): object {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null ? empty : asText(value)]),
  );
}
