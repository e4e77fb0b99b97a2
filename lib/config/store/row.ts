import type { PathOf } from "../../dynamodb/expression.ts";
import { restoredText, type StoredJson, storedJson } from "../../dynamodb/stored-json.ts";
import { elementsOf, JsonText, writeJson } from "../../json/json-text.ts";
import { softwareConfigsTable } from "../../settings.ts";
import type { SoftwareConfig } from "../config.ts";
import { type Definition, definitionIn } from "../inputs-outputs.ts";

/** The name of the table of configurations. */
export const TableName = softwareConfigsTable();

/** The row of a configuration: the one file that knows its attributes. */
export interface ConfigRow {
  project_id: string;
  id: string;
  name?: string | undefined;
  group?: string | undefined;
  creation_time: string;
  config?: StoredJson;
  inputs?: StoredJson;
  outputs?: StoredJson;
  options?: StoredJson;
  /** The time until which it is marked as being removed, in seconds since 1970. */
  removingUntil?: number;
  /** The id of the invocation that is removing it. */
  removingRequest?: string;
}

/** The text of a value that is not there. */
const NULL = "null";

/** The attributes that a list shows. */
export const SUMMARY = ["id", "name", "group", "creation_time"] as const satisfies PathOf<ConfigRow>[];

/** A row with only the attributes that a list reads. */
export type SummaryRow = Pick<ConfigRow, (typeof SUMMARY)[number]>;

/** The row of a configuration. */
export function encode({ config, inputs, outputs, options, ...others }: SoftwareConfig): ConfigRow {
  const plain = {
    project_id: others.project_id,
    id: others.id,
    name: others.name ?? undefined,
    group: others.group ?? undefined,
    creation_time: others.creation_time,
  };
  const texts = { config, inputs: writeJson(inputs), outputs: writeJson(outputs), options };
  return { ...plain, ...storedJson(texts, plain) };
}

/** The configuration that a row holds. */
export function decode(row: ConfigRow): SoftwareConfig {
  const config = restoredText(row.config ?? NULL);
  const inputs = restoredText(row.inputs ?? "[]");
  const outputs = restoredText(row.outputs ?? "[]");
  const options = restoredText(row.options ?? "{}");
  return {
    project_id: row.project_id,
    id: row.id,
    name: row.name ?? null,
    group: row.group ?? null,
    creation_time: row.creation_time,
    config: new JsonText(config),
    inputs: definitionsIn(inputs),
    outputs: definitionsIn(outputs),
    options: new JsonText(options),
    textLength: config.length + inputs.length + outputs.length + options.length,
  };
}

function definitionsIn(text: string): Definition[] {
  return elementsOf(text).map(definitionIn);
}
