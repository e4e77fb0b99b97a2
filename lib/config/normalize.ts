import {
  asPlainText,
  isArrayText,
  isNumberText,
  isObjectText,
  JsonText,
  type JsonValue,
  MAX_NUMBER_CHARACTERS,
  mapParts,
} from "../json/json-text.ts";
import { type ConfigInput, type ConfigOutput, type Definition, InputType } from "./inputs-outputs.ts";

/** The normalization of a default by its type, and the value that replaces a null default (Heat's rules). */
const TYPES: Record<InputType, { normalize: (value: JsonValue) => JsonValue | undefined; empty: JsonValue }> =
  {
    String: { normalize: asString, empty: "" },
    Number: { normalize: asNumber, empty: new JsonText("0") },
    CommaDelimitedList: { normalize: asList, empty: new JsonText("[]") },
    Json: { normalize: asJson, empty: new JsonText("{}") },
    Boolean: { normalize: asBoolean, empty: false },
  };

/**
 * An input, from the form that was sent, as Heat normalizes it: keys in Heat's order, the default in its type's form.
 */
export function normalizedInput(input: Definition): ConfigInput {
  const { default: value } = input;
  const type = InputType.options.find((name) => name === input.type);
  const isGiven = value !== undefined && (value !== null || type !== undefined);
  return {
    ...normalizedCommon(input),
    ...(isGiven && { default: normalizedDefault(type, value) }),
    ...(asBoolean(input.replace_on_change) && { replace_on_change: true }),
    ...("value" in input && { value: input.value }),
  };
}

/** An output, from the form that was sent, as Heat normalizes it: keys in Heat's order. */
export function normalizedOutput(output: Definition): ConfigOutput {
  return { ...normalizedCommon(output), error_output: asBoolean(output.error_output) ?? false };
}

/** A default in its type's form; undefined if it does not fit. `""` fits every type and stays. */
export function normalizedDefault(type: InputType | undefined, value: JsonValue): JsonValue | undefined {
  if (type === undefined || value === "") return value;
  const { normalize, empty } = TYPES[type];
  return value === null ? empty : normalize(value);
}

/** A name or description as text: whole numbers and booleans as Python writes them. Undefined for other values. */
export function asLabel(value: JsonValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  return value instanceof JsonText && /^-?\d+$/.test(value.text) ? value.text : undefined;
}

/** A boolean, from a boolean or its name in any case; undefined for other values. */
export function asBoolean(value: JsonValue | undefined): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : "";
  return word === "true" || word === "false" ? word === "true" : undefined;
}

function normalizedCommon(definition: Definition) {
  const { name, description } = definition;
  return {
    name: asLabel(name) ?? "",
    ...(description !== undefined && { description: asLabel(description ?? "") ?? "" }),
    type: InputType.options.find((name) => name === definition.type) ?? "String",
  };
}

function asString(value: JsonValue): string | undefined {
  return isNumber(value) ? asPlainText(value) : asLabel(value);
}

/** A number, from a number, a boolean, or a text that Python's `int` or `float` reads; undefined for other values. */
function asNumber(value: JsonValue): JsonValue | undefined {
  if (isNumber(value) || typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const number = value.trim();
  if (number.length > MAX_NUMBER_CHARACTERS) return undefined;
  if (/^[+-]?\d+$/.test(number)) return new JsonText(String(BigInt(number.replace("+", ""))));
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(number)) return undefined;
  const float = Number(number);
  if (!Number.isFinite(float)) return undefined;
  return new JsonText(Number.isInteger(float) && Math.abs(float) < 1e16 ? float.toFixed(1) : String(float));
}

function asList(value: JsonValue): JsonValue | undefined {
  if (typeof value === "string") return new JsonText(JSON.stringify(value.split(",")));
  return value instanceof JsonText && isArrayText(value.text) ? value : undefined;
}

/** A text or an object unchanged, a list as Python's JSON text; undefined for other values. */
function asJson(value: JsonValue): JsonValue | undefined {
  if (typeof value === "string") return value;
  if (!(value instanceof JsonText)) return undefined;
  if (isObjectText(value.text)) return value;
  return isArrayText(value.text) ? pythonJson(value.text) : undefined;
}

function isNumber(value: JsonValue): boolean {
  return value instanceof JsonText && isNumberText(value.text);
}

/** JSON as Python's `json.dumps` writes it: blanks after commas and colons, only ASCII. */
function pythonJson(text: string): string {
  const escaped = (character: string): string =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return mapParts(
    text,
    (string) => JSON.stringify(JSON.parse(string)).replace(/[^\0-~]/g, escaped),
    (between) => between.replace(/[,:]/g, "$& "),
  );
}
