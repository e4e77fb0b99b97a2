import * as z from "zod/mini";
import { isJsonObject, MAX_LEVELS, mayRound, nestsDeeperThan, parseExactly } from "./wire/exact-json.ts";
import { text } from "./wire/fields.ts";

const isNumber = (value: unknown): boolean => typeof value === "number" || JSON.isRawJSON(value);

const parsedJson = (value: string): unknown => {
  try {
    const parsed = parseExactly(value);
    return nestsDeeperThan(MAX_LEVELS, parsed) ? undefined : parsed;
  } catch {
    return undefined;
  }
};

/** A type's own form of a value, as Heat normalizes it; undefined where the value does not fit. */
type Normalize = (value: unknown) => unknown;

const asString: Normalize = (value) => {
  if (typeof value === "string") return value;
  return isNumber(value) || typeof value === "boolean" ? JSON.stringify(value) : undefined;
};

const asNumber: Normalize = (value) => {
  if (isNumber(value)) return value;
  const isNumeric = typeof value === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value);
  // What a double would round has no exact form to keep.
  return isNumeric && !mayRound(value) ? Number(value) : undefined;
};

const asBoolean: Normalize = (value) => {
  if (typeof value !== "boolean" && typeof value !== "string") return undefined;
  const text = String(value).toLowerCase();
  return text === "true" || text === "false" ? text === "true" : undefined;
};

const asJson: Normalize = (value) => {
  const json = typeof value === "string" ? parsedJson(value) : value;
  return isJsonObject(json) || Array.isArray(json) ? json : undefined;
};

const asList: Normalize = (value) =>
  typeof value === "string" ? value.split(",") : Array.isArray(value) ? value : undefined;

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

/** Heat takes `""` for null where the type is not String. */
const normalized = (type: InputType, value: unknown): unknown => {
  const { normalize, empty } = TYPES[type];
  return value === null || value === "" ? empty : normalize(value);
};

const common = {
  name: text(1, 255),
  description: z.nullish(z.string()),
  type: z.nullish(InputType),
};

/** An input as a request holds it; a key it does not know is refused. */
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
      {
        error: "does not fit the type",
        path: ["default"],
      },
    ),
  );

/** An output as a request holds it; a key it does not know is refused. */
export const OutputRequest = z.strictObject({ ...common, error_output: z.nullish(z.boolean()) });

/** An input as Heat shows it; what was not given is absent. */
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

const given = <Fields extends Record<string, unknown>>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** An input as it is kept: in Heat's order of keys, its default in its type's own form. */
export const newInput = (input: z.infer<typeof InputRequest>): ConfigInput => {
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
};

/** An output as it is kept, in Heat's order of keys. */
export const newOutput = ({ name, description, type, error_output }: z.infer<typeof OutputRequest>) => ({
  name,
  ...given({ description: description ?? undefined }),
  type: type ?? "String",
  error_output: error_output ?? false,
});
