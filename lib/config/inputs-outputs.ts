import * as z from "zod/mini";
import { asJsonValue, type JsonValue, membersOf, valueIn } from "../json/json-text.ts";
import { documented } from "../shapes.ts";

/** The types of inputs and outputs. */
export const InputType = z.enum(["String", "Number", "CommaDelimitedList", "Json", "Boolean"]);
export type InputType = z.infer<typeof InputType>;

/** The default of an input. */
export const InputDefault = documented(z.optional(z.custom<JsonValue>()), {
  description: "The value where a deployment gives none, in a form of its type. A number fits a double.",
});
/** The description of `replace_on_change`. */
export const REPLACE_ON_CHANGE = { description: "Kept for Heat's clients; nothing here reads it." };
/** The value of an input. */
export const InputValue = documented(z.optional(z.custom<JsonValue>()), {
  description: "A value that goes before the default: how clients hand over derived configurations.",
});
/** The description of `error_output`. */
export const ERROR_OUTPUT = {
  description: "Whether its presence in a result means that the run has failed.",
};

/** An input or output as it was sent and is stored. */
export type Definition = Record<string, JsonValue>;

/** An input as Heat shows it. A field that was not sent is absent. */
export const ConfigInput = documented(
  z.object({
    name: z.string(),
    description: z.optional(z.string()),
    type: InputType,
    default: InputDefault,
    replace_on_change: documented(z.optional(z.boolean()), REPLACE_ON_CHANGE),
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
    error_output: documented(z.boolean(), ERROR_OUTPUT),
  }),
  { id: "ConfigOutput" },
);
export type ConfigOutput = z.infer<typeof ConfigOutput>;

/** The definition that a JSON text holds. */
export function definitionIn(text: string): Definition {
  return Object.fromEntries([...membersOf(text)].map(([name, member]) => [name, valueIn(member)]));
}

/** The definition that an object in a request is. */
export function definitionOf(sent: object): Definition {
  return Object.fromEntries(Object.entries(sent).map(([name, member]) => [name, asJsonValue(member)]));
}
