import type { PathOf } from "../../dynamodb/expression.ts";
import { restoredText, type StoredJson, storedJson } from "../../dynamodb/stored-json.ts";
import { parseExactly } from "../../json/exact-json.ts";
import { softwareConfigsTable } from "../../settings.ts";
import type { SoftwareConfig } from "../config.ts";

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
  /** Until when a request is removing it, in seconds since 1970, and which. */
  removingUntil?: number;
  removingRequest?: string;
}

/** The attributes that a list shows. */
export const SUMMARY = ["id", "name", "group", "creation_time"] as const satisfies PathOf<ConfigRow>[];

/** A row of which the attributes that a list shows were read. */
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
  return { ...plain, ...storedJson({ config, inputs, outputs, options }, plain) };
}

/** The configuration that a row holds. */
export function decode(row: ConfigRow): SoftwareConfig {
  const config = restoredText(row.config);
  const inputs = restoredText(row.inputs);
  const outputs = restoredText(row.outputs);
  const options = restoredText(row.options);
  return {
    project_id: row.project_id,
    id: row.id,
    name: row.name ?? null,
    group: row.group ?? null,
    creation_time: row.creation_time,
    config: parseExactly(config),
    inputs: parseExactly(inputs),
    outputs: parseExactly(outputs),
    options: parseExactly(options),
    textLength: config.length + inputs.length + outputs.length + options.length,
  };
}
