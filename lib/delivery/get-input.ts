import type { SoftwareConfig } from "../config/config.ts";
import { isArrayText, isObjectText, JsonText } from "../json/json-text.ts";

/** The groups whose configuration is a script, or holds scripts: nothing in it is replaced. */
const UNSTRUCTURED = ["script", "component"];

/** An object of exactly one member that is a text. No string holds it, as quotes are escaped there. */
const SINGLE_TEXT = /\{("(?:[^"\\]|\\.)*"):("(?:[^"\\]|\\.)*")\}/g;

/** The name that stands for an input's value. */
const GET_INPUT = "get_input";

/** The value of an input as its JSON text; null for an unknown name. */
export type InputText = (name: string) => string;

/** Whether inputs are replaced in a configuration: it is a list or an object, and no script. */
export function isStructured({ group, config }: Pick<SoftwareConfig, "group" | "config">): boolean {
  if (UNSTRUCTURED.includes(group ?? "")) return false;
  return isObjectText(config.text) || isArrayText(config.text);
}

/**
 * A structured configuration with every `{"get_input": name}` replaced by the input's value, as Heat's
 * StructuredDeployment does. An object with other members beside, or a name that is no text, stays.
 */
export function withInputsReplaced(config: JsonText, input: InputText): JsonText {
  return new JsonText(
    config.text.replace(SINGLE_TEXT, (whole, key: string, name: string) =>
      isGetInput(key) ? input(JSON.parse(name)) : whole,
    ),
  );
}

/** The length of `withInputsReplaced` in characters, without making it: values may be large, and used often. */
export function replacedLength({ text }: JsonText, input: InputText): number {
  let length = text.length;
  for (const [whole, key = "", name = ""] of text.matchAll(SINGLE_TEXT))
    if (isGetInput(key)) length += input(JSON.parse(name)).length - whole.length;
  return length;
}

function isGetInput(key: string): boolean {
  return key === `"${GET_INPUT}"` || (key.includes("\\") && JSON.parse(key) === GET_INPUT);
}
