import { asText, isJsonObject, MAX_NUMBER_CHARACTERS } from "../json/exact-json.ts";
import { type ConfigInput, type ConfigOutput, type Definition, InputType } from "./inputs-outputs.ts";

/** The form that each type gives a default, and what a null default becomes (Heat's rules). */
const TYPES: Record<InputType, { normalize: (value: unknown) => unknown; empty: unknown }> = {
  String: { normalize: asString, empty: "" },
  Number: { normalize: asNumber, empty: 0 },
  CommaDelimitedList: { normalize: asList, empty: [] },
  Json: { normalize: asJson, empty: {} },
  Boolean: { normalize: asBoolean, empty: false },
};

/** An input that was sent, as Heat normalizes it: keys in Heat's order, the default in the form of its type. */
export function normalizedInput(input: Definition): ConfigInput {
  const { default: value } = input;
  const type = typeOf(input);
  const isGiven = value !== undefined && (value !== null || type !== undefined);
  return {
    ...normalizedCommon(input),
    ...(isGiven && { default: normalizedDefault(type, value) }),
    ...("replace_on_change" in input && { replace_on_change: asBoolean(input.replace_on_change) ?? false }),
    ...("value" in input && { value: input.value }),
  };
}

/** An output that was sent, as Heat normalizes it: keys in Heat's order. */
export function normalizedOutput(output: Definition): ConfigOutput {
  return { ...normalizedCommon(output), error_output: asBoolean(output.error_output) ?? false };
}

/** The form that a type gives a default; undefined where it does not fit. `""` stays for every type. */
export function normalizedDefault(type: InputType | undefined, value: unknown): unknown {
  if (type === undefined || value === "") return value;
  const { normalize, empty } = TYPES[type];
  return value === null ? empty : normalize(value);
}

/** A name or description as text: whole numbers and booleans as Python writes them. */
export function asLabel(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  return isNumber(value) && /^-?\d+$/.test(asText(value)) ? asText(value) : undefined;
}

/** A boolean, or what its name means; undefined for all else. */
export function asBoolean(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  return word === "true" || word === "false" ? word === "true" : undefined;
}

function normalizedCommon(definition: Definition) {
  const { name, description } = definition;
  return {
    name: asLabel(name) ?? "",
    ...(description !== undefined && { description: asLabel(description ?? "") ?? "" }),
    type: typeOf(definition) ?? "String",
  };
}

/** The type of a definition; undefined where it names none. */
function typeOf({ type }: Definition): InputType | undefined {
  return InputType.options.find((known) => known === type);
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
