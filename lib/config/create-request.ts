import * as z from "zod/mini";
import { isJsonObject, isWellFormedText, JsonText, type JsonValue } from "../json/json-text.ts";
import { documented, flatBody, list, text } from "../shapes.ts";
import { isoTime } from "../times.ts";
import { ConfigBody, ConfigGroup, ConfigName, Options, type SoftwareConfig } from "./config.ts";
import {
  type Definition,
  definitionOf,
  ERROR_OUTPUT,
  InputDefault,
  InputType,
  InputValue,
  REPLACE_ON_CHANGE,
} from "./inputs-outputs.ts";
import { asBoolean, asLabel, normalizedDefault } from "./normalize.ts";

/** The most inputs, and the most outputs, of a configuration. */
const MAX_DEFINITIONS = 1_000;

/** A boolean's name as a JSON Schema pattern, which has no flag for upper and lower case. */
const BOOLEAN_NAME = "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]";

/** The forms of a default by its type, as JSON Schema for the API's document. */
const DEFAULTS: Record<InputType, object> = {
  String: { type: ["string", "number", "boolean", "null"] },
  Number: {
    type: ["number", "boolean", "string", "null"],
    pattern: "^$|^\\s*[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?\\s*$",
  },
  CommaDelimitedList: { type: ["string", "array", "null"] },
  Json: { type: ["string", "object", "array", "null"] },
  Boolean: { type: ["boolean", "string", "null"], pattern: `^(${BOOLEAN_NAME})?$` },
};

/** A shape that takes no value with a lone surrogate in it. */
function wellFormedOnly<Value extends JsonValue | undefined>(shape: z.ZodMiniType<Value, unknown>) {
  const isWellFormed = z.refine<Value>(
    (value) => {
      if (typeof value === "string") return value.isWellFormed();
      return !(value instanceof JsonText) || isWellFormedText(value.text);
    },
    { error: "holds a lone surrogate" },
  );
  return documented(shape.check(isWellFormed), z.globalRegistry.get(shape) ?? {});
}

/** A text; also a whole number or a boolean, which YAML makes of some texts. */
const lenientText = documented(
  z.custom<JsonValue>((value) => asLabel(value) !== undefined, { error: "a string is expected" }),
  { type: ["string", "integer", "boolean"] },
);

/** A name: null is the empty text. */
const lenientName = documented(
  z.custom<JsonValue>((value) => asLabel(value ?? "") !== undefined && value !== undefined, {
    error: "a string is expected",
  }),
  { type: ["string", "integer", "boolean", "null"] },
);

/** A boolean, or its name as a text: Terraform can send only the text. */
const lenientBoolean = documented(
  z.custom<JsonValue>((value) => value === null || asBoolean(value) !== undefined, {
    error: "true or false is expected",
  }),
  { type: ["boolean", "string", "null"], pattern: `^(${BOOLEAN_NAME})$` },
);

const common = {
  name: documented(
    z.pipe(
      lenientName,
      z.pipe(
        z.transform((value: JsonValue) => asLabel(value ?? "")),
        text(0, 255),
      ),
    ),
    { maxLength: 255 },
  ),
  description: z.nullish(wellFormedOnly(lenientText)),
  type: documented(z.nullish(InputType), { description: "`String` where none is given." }),
};

/** The rules that a default fits its input's type, as JSON Schema. */
const DEFAULT_FITS_TYPE = Object.entries(DEFAULTS).map(([type, accepts]) => ({
  if: { required: ["type"], properties: { type: { const: type } } },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
  then: { properties: { default: accepts } },
}));

/** An input in a request. Unknown keys are rejected. */
const InputRequest = asSent(
  "ConfigInputCreate",
  documented(
    z
      .strictObject({
        ...common,
        default: wellFormedOnly(InputDefault),
        replace_on_change: documented(z.optional(lenientBoolean), REPLACE_ON_CHANGE),
        value: wellFormedOnly(InputValue),
      })
      .check(
        z.refine(
          ({ type, default: value }) => normalizedDefault(type ?? undefined, value ?? null) !== undefined,
          {
            error: "does not fit the type",
            path: ["default"],
            // Checks run beside that of the type, which may have failed.
            when: ({ value }) =>
              isJsonObject(value) && isInputType(value.type) && (value.default ?? null) !== null,
          },
        ),
      ),
    { allOf: DEFAULT_FITS_TYPE },
  ),
);

/** An output in a request. Unknown keys are rejected. */
const OutputRequest = asSent(
  "ConfigOutputCreate",
  z.strictObject({ ...common, error_output: documented(z.optional(lenientBoolean), ERROR_OUTPUT) }),
);

/** The body of a create. All fields are optional, and null means absent. */
export const ConfigRequest = documented(
  flatBody(
    "software_config",
    z.object({
      name: z.nullish(ConfigName),
      group: z.nullish(ConfigGroup),
      config: z.optional(wellFormedOnly(ConfigBody)),
      inputs: z.nullish(definitions(InputRequest)),
      outputs: z.nullish(definitions(OutputRequest)),
      options: z.nullish(wellFormedOnly(Options)),
    }),
  ),
  { id: "SoftwareConfigCreate" },
);
export type ConfigRequest = z.infer<typeof ConfigRequest>;

/** The configuration that a create request describes. @param id a UUID of version 7, so that ids sort by time */
export function newConfig(projectId: string, request: ConfigRequest, id: string, now: Date): SoftwareConfig {
  return {
    project_id: projectId,
    id,
    name: request.name ?? null,
    group: request.group ?? null,
    creation_time: isoTime(now),
    config: request.config ?? new JsonText("null"),
    inputs: request.inputs ?? [],
    outputs: request.outputs ?? [],
    options: request.options ?? new JsonText("{}"),
  };
}

function definitions(definition: z.ZodMiniType<Definition, unknown>) {
  return list(definition, 0, MAX_DEFINITIONS, `at most ${MAX_DEFINITIONS} are expected`);
}

/**
 * A shape that checks a definition and returns it as it was sent: key order and the types of its values unchanged.
 * @param id its name in the API's document, which describes it by `shape`
 */
function asSent(id: string, shape: z.ZodMiniType<unknown, unknown>): z.ZodMiniType<Definition, unknown> {
  const asItIs = z.custom<Definition>().check((sent) => {
    const checked = shape._zod.run({ value: sent.value, issues: [] }, { async: false });
    if (!(checked instanceof Promise)) sent.issues.push(...checked.issues);
  });
  const definition = z.transform((sent) => (isJsonObject(sent) ? definitionOf(sent) : sent));
  return documented(z.pipe(definition, asItIs), { id, checkedBy: shape });
}

function isInputType(type: unknown): boolean {
  return (type ?? null) === null || InputType.options.some((option) => option === type);
}
