import * as z from "zod/mini";
import { asText, isJsonObject, MAX_NUMBER_CHARACTERS } from "../wire/exact-json.ts";
import { text } from "../wire/fields.ts";

/** The most inputs, and the most outputs, of a configuration. */
const MAX_DEFINITIONS = 1_000;

/** The types of inputs and outputs: the form that each gives a default, and what a null default becomes (Heat's rules). */
const TYPES = {
  String: { normalize: asString, empty: "" },
  Number: { normalize: asNumber, empty: 0 },
  CommaDelimitedList: { normalize: asList, empty: [] },
  Json: { normalize: asJson, empty: {} },
  Boolean: { normalize: asBoolean, empty: false },
};

const InputType = z.enum(Object.keys(TYPES) as (keyof typeof TYPES)[]);
type InputType = z.infer<typeof InputType>;

/** A text; also a whole number or a boolean, which YAML makes of texts. */
const lenientText = z.custom<unknown>((value) => asLabel(value) !== undefined, {
  error: "a string is expected",
});

/** A boolean, or its name: Terraform can send nothing else. */
const lenientBoolean = z.custom<unknown>((value) => value === null || asBoolean(value) !== undefined, {
  error: "true or false is expected",
});

const common = {
  name: z.pipe(lenientText, z.pipe(z.transform(asLabel), text(0, 255))),
  description: z.nullish(lenientText),
  type: z.nullish(InputType),
};

/** An input in a request. A key that it does not know is refused. */
export const InputRequest = asSent(
  z
    .strictObject({
      ...common,
      default: z.optional(z.unknown()),
      replace_on_change: z.optional(lenientBoolean),
      value: z.optional(z.unknown()),
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
);

/** An output in a request. A key that it does not know is refused. */
export const OutputRequest = asSent(z.strictObject({ ...common, error_output: z.optional(lenientBoolean) }));

/** A definition as it was sent and is kept. */
export type Definition = Record<string, unknown>;

/** An input as Heat shows it. What was not given is absent. */
export const ConfigInput = z.object({
  name: z.string(),
  description: z.optional(z.string()),
  type: InputType,
  default: z.optional(z.unknown()),
  replace_on_change: z.optional(z.boolean()),
  value: z.optional(z.unknown()),
});
export type ConfigInput = z.infer<typeof ConfigInput>;

/** An output as Heat shows it. */
export const ConfigOutput = z.object({
  name: z.string(),
  description: z.optional(z.string()),
  type: InputType,
  error_output: z.boolean(),
});
export type ConfigOutput = z.infer<typeof ConfigOutput>;

/** The inputs or outputs of a request: their number is looked at before any of them is. */
export function definitions(one: z.ZodMiniType<Definition, unknown>) {
  const error = `at most ${MAX_DEFINITIONS} are expected`;
  return z.pipe(z.array(z.unknown()).check(z.maxLength(MAX_DEFINITIONS, error)), z.array(one));
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

/** Checks a definition by its shape, and keeps it as it was sent: order and types of its values included. */
function asSent(shape: z.ZodMiniType<unknown, unknown>): z.ZodMiniType<Definition, unknown> {
  return z.custom<Definition>().check((sent) => {
    const checked = shape._zod.run({ value: sent.value, issues: [] }, { async: false });
    if (!(checked instanceof Promise)) sent.issues.push(...checked.issues);
  });
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
