import type { Item } from "../../dynamodb/calls.ts";
import { type Attributes, restoredText, storedJson, withoutNulls } from "../../dynamodb/stored-json.ts";
import { parseExactly } from "../../json/exact-json.ts";
import { softwareConfigsTable } from "../../settings.ts";
import type { SoftwareConfig } from "../config.ts";

/** The name of the table of configurations. */
export const TableName = softwareConfigsTable();

/** A configuration as an item. What is null is left out. */
export function itemOf(config: SoftwareConfig): Attributes {
  const { project_id, id, name, group, creation_time, ...json } = config;
  const plain = withoutNulls({ project_id, id, name, group, creation_time });
  return { ...plain, ...storedJson(json, plain) };
}

/** The configuration that an item holds. */
export function configOf(item: Item): SoftwareConfig {
  const texts = [item.config, item.inputs, item.outputs, item.options].map(restoredText);
  const [config, inputs, outputs, options] = texts.map(parseExactly);
  return {
    project_id: item.project_id,
    id: item.id,
    name: item.name ?? null,
    group: item.group ?? null,
    creation_time: item.creation_time,
    config,
    inputs,
    outputs,
    options,
    textLength: texts.join("").length,
  } as SoftwareConfig;
}
