import * as z from "zod/mini";
import { isJsonObject, MAX_LEVELS, parseExactly, textNestsDeeperThan } from "../wire/exact-json.ts";
import { text } from "../wire/fields.ts";

/** A number as people write it. */
const NUMBER = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?\s*$/i;

/** The most inputs, and the most outputs, of a configuration. */
const MAX_DEFINITIONS = 1_000;

/** The types of inputs and outputs: how a default is normalized, and what a null default becomes. */
const TYPES = {
  String: { normalize: asString, empty: "" },
  Number: { normalize: asNumber, empty: 0 },
  CommaDelimitedList: { normalize: asList, empty: [] },
  Json: { normalize: asJson, empty: {} },
  Boolean: { normalize: asBoolean, empty: false },
};

const InputType = z.enum(Object.keys(TYPES) as (keyof typeof TYPES)[]);
type InputType = z.infer<typeof InputType>;

const common = {
  name: text(1, 255),
  description: z.nullish(z.string()),
  type: z.nullish(InputType),
};

/** An input in a request. A key that it does not know is refused. */
export const InputRequest = z
  .strictObject({
    ...common,
    default: z.optional(z.unknown()),
    replace_on_change: z.nullish(z.boolean()),
    value: z.optional(z.unknown()),
  })
  .check(
    z.refine(
      ({ type, default: value }) => value === undefined || normalized(type ?? "String", value) !== undefined,
      { error: "does not fit the type", path: ["default"] },
    ),
  );

/** An output in a request. A key that it does not know is refused. */
export const OutputRequest = z.strictObject({ ...common, error_output: z.nullish(z.boolean()) });

/** The inputs or outputs of a request: their number is looked at before any of them is. */
export function definitions<Definition>(one: z.ZodMiniType<Definition>) {
  const error = `at most ${MAX_DEFINITIONS} are expected`;
  return z.pipe(z.array(z.unknown()).check(z.maxLength(MAX_DEFINITIONS, error)), z.array(one));
}

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

/** The input of a request, normalized: keys in Heat's order, the default in the form of its type. */
export function newInput(input: z.infer<typeof InputRequest>): ConfigInput {
  const type = input.type ?? "String";
  return {
    name: input.name,
    ...given({ description: input.description ?? undefined }),
    type,
    ...given({
      default: input.default === undefined ? undefined : normalized(type, input.default),
      replace_on_change: input.replace_on_change ?? undefined,
      value: input.value,
    }),
  };
}

/** The output of a request, normalized: keys in Heat's order. */
export function newOutput(output: z.infer<typeof OutputRequest>): ConfigOutput {
  return {
    name: output.name,
    ...given({ description: output.description ?? undefined }),
    type: output.type ?? "String",
    error_output: output.error_output ?? false,
  };
}

/** A value in the form of its type; undefined where it does not fit. `""` counts as null, as in Heat. */
function normalized(type: InputType, value: unknown): unknown {
  const { normalize, empty } = TYPES[type];
  return value === null || value === "" ? empty : normalize(value);
}

function asString(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return isNumber(value) || typeof value === "boolean" ? JSON.stringify(value) : undefined;
}

function asNumber(value: unknown): unknown {
  if (isNumber(value)) return value;
  const isNumeric = typeof value === "string" && NUMBER.test(value);
  return isNumeric && isExact(value) ? Number(value) : undefined;
}

/** Whether a double holds a number that people wrote: one that it would round has no exact form to keep. */
function isExact(number: string): boolean {
  const [mantissa = ""] = number.split(/e/i);
  return mantissa.replace(/\D/g, "").length <= 15 && Number.isFinite(Number(number));
}

function asList(value: unknown): unknown[] | undefined {
  if (typeof value === "string") return value.split(",");
  return Array.isArray(value) ? value : undefined;
}

function asJson(value: unknown): unknown {
  const json = typeof value === "string" ? parsedJson(value) : value;
  return isJsonObject(json) || Array.isArray(json) ? json : undefined;
}

function asBoolean(value: unknown): boolean | undefined {
  if (typeof value !== "boolean" && typeof value !== "string") return undefined;
  const word = String(value).toLowerCase();
  return word === "true" || word === "false" ? word === "true" : undefined;
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || JSON.isRawJSON(value);
}

function parsedJson(value: string): unknown {
  try {
    return textNestsDeeperThan(MAX_LEVELS, value) ? undefined : parseExactly(value);
  } catch {
    return undefined;
  }
}

function given<Fields extends Record<string, unknown>>(fields: Fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
