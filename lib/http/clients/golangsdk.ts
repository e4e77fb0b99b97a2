import {
  asPlainText,
  isJsonObject,
  JsonText,
  type JsonValue,
  membersOf,
  objectOf,
} from "../../json/json-text.ts";
import { MAX_RESPONSE_BYTES, responseBytes } from "../../limits/response-size.ts";
import { AS_SENT } from "../../shapes.ts";
import type { ClientQuirks, EndpointEvent } from "../event.ts";

/*
 * All quirks of OTC's Go SDK, and of the Terraform provider that is built on it.
 *
 * - It reads times as `2006-01-02T15:04:05` and fails on a `Z`.
 * - It reads maps of texts only, so every other value in them except null becomes its JSON text; so does a `config` that is
 *   no text.
 * - It gets inputs and outputs of a configuration as they were sent.
 * - Values that it sends back as they were shown count as unchanged, each by itself (`echo`).
 * - It gets 403 for a valid token that does not authorize a request (`faults.ts`): on 401 it asks for new tokens for
 *   ever.
 */

/** The fields of responses with times. */
const TIMES = ["creation_time", "updated_time", "collected_time", "time", "expires_time"];

/** The fields of responses with values by name, and those with lists of such objects. */
const VALUES = ["input_values", "output_values", "options"];
const DEFINITIONS = ["inputs", "outputs"];

const TOO_LARGE = "input_values and output_values are left out: they are too large for this client";

const QUIRKS: ClientQuirks = {
  form: "golangsdk",
  render,
  renderResource,
  echo: (values) => textValues(values, ""),
};

/** The quirks of the client that sent a request; undefined for every other client. */
export function quirksOf({ headers }: EndpointEvent): ClientQuirks | undefined {
  return headers["user-agent"]?.includes("golangsdk/") ? QUIRKS : undefined;
}

/** Renders a body, whose members are resources or lists of them. */
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

/** Renders a resource. Escaped JSON texts are longer: values that no longer fit a response are left out. */
function renderResource(resource: object): object {
  const sent = AS_SENT in resource ? resource[AS_SENT] : undefined;
  const members = Object.entries({ ...resource, ...(sent ?? {}) }).map(([name, value]) => {
    if (VALUES.includes(name) && value instanceof JsonText) return [name, textValues(value, null)];
    if (DEFINITIONS.includes(name) && Array.isArray(value)) return [name, value.map(textMembers)];
    if (name === "config" && value instanceof JsonText && isNoString(value.text)) return [name, value.text];
    return [name, value];
  });
  const rendered = withoutZones(Object.fromEntries(members));
  if (!("input_values" in rendered) || responseBytes(rendered) <= MAX_RESPONSE_BYTES) return rendered;
  return { ...rendered, input_values: null, output_values: null, warning: TOO_LARGE };
}

function withoutZones(resource: object): object {
  return Object.fromEntries(
    Object.entries(resource).map(([name, value]) => [
      name,
      TIMES.includes(name) && typeof value === "string" ? value.replace(/Z$/, "") : value,
    ]),
  );
}

/** Values as texts. @param empty stands for null, which the client reads as the empty text and sends back as that */
function textValues(values: JsonText, empty: "" | null): JsonText {
  const texts = [...membersOf(values.text)].map(([name, text]) => [name, asText(text, empty)] as const);
  return new JsonText(objectOf(texts));
}

function asText(text: string, empty: "" | null): string {
  if (text === "null") return JSON.stringify(empty);
  return text.startsWith('"') ? text : JSON.stringify(text);
}

/** Whether a JSON text holds anything but a string or null. */
function isNoString(text: string): boolean {
  return !text.startsWith('"') && text !== "null";
}

/** A definition whose members are texts. */
function textMembers(definition: Record<string, JsonValue>): object {
  return Object.fromEntries(
    Object.entries(definition).map(([name, value]) => [name, value === null ? null : asPlainText(value)]),
  );
}
