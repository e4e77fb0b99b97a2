import * as z from "zod/mini";
import { asText, isJsonObject, MAX_NUMBER_CHARACTERS } from "../wire/exact-json.ts";
import { documented, list, text } from "../wire/fields.ts";

/** The most inputs, and the most outputs, of a configuration. */
const MAX_DEFINITIONS = 1_000;

/** A boolean's name, as JSON Schema's patterns can say it. */
const BOOLEAN_NAME = "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]";

/**
 * The types of inputs and outputs: the form that each gives a default, and what a null default becomes (Heat's rules);
 * and of what form a default may be, as the API's document says it.
 */
const TYPES = {
  String: { normalize: asString, empty: "", accepts: { type: ["string", "number", "boolean", "null"] } },
  Number: {
    normalize: asNumber,
    empty: 0,
    accepts: {
      type: ["number", "boolean", "string", "null"],
      pattern: "^$|^\\s*[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?\\s*$",
    },
  },
  CommaDelimitedList: { normalize: asList, empty: [], accepts: { type: ["string", "array", "null"] } },
  Json: { normalize: asJson, empty: {}, accepts: { type: ["string", "object", "array", "null"] } },
  Boolean: {
    normalize: asBoolean,
    empty: false,
    accepts: { type: ["boolean", "string", "null"], pattern: `^(${BOOLEAN_NAME})?$` },
  },
};

const InputType = z.enum(Object.keys(TYPES) as (keyof typeof TYPES)[]);
type InputType = z.infer<typeof InputType>;

/** A text; also a whole number or a boolean, which YAML makes of texts. */
const lenientText = documented(
  z.custom<unknown>((value) => asLabel(value) !== undefined, { error: "a string is expected" }),
  { type: ["string", "integer", "boolean"] },
);

/** A boolean, or its name: Terraform can send nothing else. */
const lenientBoolean = documented(
  z.custom<unknown>((value) => value === null || asBoolean(value) !== undefined, {
    error: "true or false is expected",
  }),
  { type: ["boolean", "string", "null"], pattern: `^(${BOOLEAN_NAME})$` },
);

const common = {
  name: documented(z.pipe(lenientText, z.pipe(z.transform(asLabel), text(0, 255))), { maxLength: 255 }),
  description: z.nullish(lenientText),
  type: documented(z.nullish(InputType), { description: "`String` where none is given." }),
};

/** The default of an input, by its type: a rule for each, as JSON Schema says it. */
const DEFAULT_FITS_TYPE = Object.entries(TYPES).map(([type, { accepts }]) => ({
  if: { required: ["type"], properties: { type: { const: type } } },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
  then: { properties: { default: accepts } },
}));

const InputDefault = documented(z.optional(z.unknown()), {
  description: "The value where a deployment gives none, in a form of its type. A number fits a double.",
});
const ReplaceOnChange = { description: "Kept for Heat's clients; nothing here reads it." };
const InputValue = documented(z.optional(z.unknown()), {
  description: "A value that goes before the default: how clients hand over derived configurations.",
});
const ErrorOutput = { description: "Whether its presence in a result means that the run has failed." };

/** An input in a request. A key that it does not know is refused. */
export const InputRequest = asSent(
  "ConfigInputCreate",
  documented(
    z
      .strictObject({
        ...common,
        default: InputDefault,
        replace_on_change: documented(z.optional(lenientBoolean), ReplaceOnChange),
        value: InputValue,
      })
      .check(
        z.refine(({ type, default: value }) => normalizedDefault(type ?? undefined, value) !== undefined, {
          error: "does not fit the type",
          path: ["default"],
          // Checks run beside that of the type, which may have failed.
          when: ({ value }) =>
            isJsonObject(value) && isInputType(value.type) && (value.default ?? null) !== null,
        }),
      ),
    { allOf: DEFAULT_FITS_TYPE },
  ),
);

/** An output in a request. A key that it does not know is refused. */
export const OutputRequest = asSent(
  "ConfigOutputCreate",
  z.strictObject({ ...common, error_output: documented(z.optional(lenientBoolean), ErrorOutput) }),
);

/** A definition as it was sent and is kept. */
export type Definition = Record<string, unknown>;

/** An input as Heat shows it. What was not given is absent. */
export const ConfigInput = documented(
  z.object({
    name: z.string(),
    description: z.optional(z.string()),
    type: InputType,
    default: InputDefault,
    replace_on_change: documented(z.optional(z.boolean()), ReplaceOnChange),
    value: InputValue,
  }),
  { id: "ConfigInput" },
);
export type ConfigInput = z.infer<typeof ConfigInput>;

/** An output as Heat shows it. */
export const ConfigOutput = documented(
  z.object({
    name: z.string(),
    description: z.optional(z.string()),
    type: InputType,
    error_output: documented(z.boolean(), ErrorOutput),
  }),
  { id: "ConfigOutput" },
);
export type ConfigOutput = z.infer<typeof ConfigOutput>;

/** The inputs or outputs of a request: their number is looked at before any of them is. */
export function definitions(one: z.ZodMiniType<Definition, unknown>) {
  return list(one, 0, MAX_DEFINITIONS, `at most ${MAX_DEFINITIONS} are expected`);
}

/** An input that was sent, as Heat normalizes it: keys in Heat's order, the default in the form of its type. */
export function normalizedInput(input: Definition): ConfigInput {
  const { type, default: value } = input;
  const isGiven = value !== undefined && (value !== null || (type ?? null) !== null);
  return {
    ...normalizedCommon(input),
    ...(isGiven && { default: normalizedDefault((type ?? undefined) as InputType | undefined, value) }),
    ...("replace_on_change" in input && { replace_on_change: asBoolean(input.replace_on_change) ?? false }),
    ...("value" in input && { value: input.value }),
  };
}

/** An output that was sent, as Heat normalizes it: keys in Heat's order. */
export function normalizedOutput(output: Definition): ConfigOutput {
  return { ...normalizedCommon(output), error_output: asBoolean(output.error_output) ?? false };
}

/** The form that a type gives a default; undefined where it does not fit. `""` stays for every type. */
function normalizedDefault(type: InputType | undefined, value: unknown): unknown {
  if (type === undefined || value === "") return value;
  const { normalize, empty } = TYPES[type];
  return value === null ? empty : normalize(value);
}

function isInputType(type: unknown): boolean {
  return (type ?? null) === null || (typeof type === "string" && Object.hasOwn(TYPES, type));
}

function normalizedCommon({ name, description, type }: Definition) {
  return {
    name: asLabel(name) ?? "",
    ...(description !== undefined && { description: asLabel(description ?? "") ?? "" }),
    type: (type ?? "String") as InputType,
  };
}

/**
 * Checks a definition by its shape, and keeps it as it was sent: order and types of its values included.
 * @param id its name in the API's document, which says of it what its shape says
 */
function asSent(id: string, shape: z.ZodMiniType<unknown, unknown>): z.ZodMiniType<Definition, unknown> {
  const asItIs = z.custom<Definition>().check((sent) => {
    const checked = shape._zod.run({ value: sent.value, issues: [] }, { async: false });
    if (!(checked instanceof Promise)) sent.issues.push(...checked.issues);
  });
  return documented(asItIs, { id, checkedBy: shape });
}

/** A name or description as text: whole numbers and booleans as Python writes them. */
function asLabel(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  return isNumber(value) && /^-?\d+$/.test(asText(value)) ? asText(value) : undefined;
}

function asString(value: unknown): string | undefined {
  return isNumber(value) ? asText(value) : asLabel(value);
}

/** A number; a text in the form of Python's `int` or `float`, of at most `MAX_NUMBER_CHARACTERS`. */
function asNumber(value: unknown): unknown {
  if (isNumber(value) || typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const number = value.trim();
  if (number.length > MAX_NUMBER_CHARACTERS) return undefined;
  if (/^[+-]?\d+$/.test(number)) return exactNumber(String(BigInt(number.replace("+", ""))));
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(number)) return undefined;
  const float = Number(number);
  if (!Number.isFinite(float)) return undefined;
  return exactNumber(Number.isInteger(float) && Math.abs(float) < 1e16 ? float.toFixed(1) : String(float));
}

function asList(value: unknown): unknown[] | undefined {
  if (typeof value === "string") return value.split(",");
  return Array.isArray(value) ? value : undefined;
}

/** A text or an object as it is; a list as Python writes it. */
function asJson(value: unknown): unknown {
  if (typeof value === "string" || isJsonObject(value)) return value;
  return Array.isArray(value) ? pythonJson(value) : undefined;
}

function asBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  return word === "true" || word === "false" ? word === "true" : undefined;
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || JSON.isRawJSON(value);
}

function exactNumber(text: string): unknown {
  return String(Number(text)) === text ? Number(text) : JSON.rawJSON(text);
}

/** JSON as Python's `json.dumps` writes it: with blanks, and ASCII alone. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (isJsonObject(value)) {
    const members = Object.entries(value).map(([name, one]) => `${pythonJson(name)}: ${pythonJson(one)}`);
    return `{${members.join(", ")}}`;
  }
  const escaped = (character: string): string =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[^\0-\x7f]/g, escaped);
}
