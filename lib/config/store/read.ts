import { LRUCache } from "lru-cache";
import { batchGet, getItem, type Key } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { isId } from "../../shapes.ts";
import type { SoftwareConfig } from "../config.ts";
import { type ConfigRow, decode, TableName } from "./row.ts";

/** The characters that a configuration takes beside its JSON texts, about. */
const SMALL_FIELDS = 1_000;

/** Configurations that were read, by project and id, which never change: at most 16 MiB of them, for 5 minutes each. */
const remembered = new LRUCache<string, SoftwareConfig>({
  maxSize: 16 * 1_048_576,
  ttl: 5 * 60_000,
});

/**
 * Reads a configuration.
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function getConfig(projectId: string, id: string): Promise<SoftwareConfig> {
  const config = await findConfig(projectId, id);
  if (!config) throw configNotFound(id);
  return config;
}

/** Reads a configuration; undefined where there is none. @throws ServiceError `unavailable` */
export async function findConfig(projectId: string, id: string): Promise<SoftwareConfig | undefined> {
  const row = isId(id) ? await getItem<ConfigRow>(TableName, { project_id: projectId, id }) : undefined;
  return row && decode(row);
}

/**
 * Reads many configurations of a project, those that were read in the last 5 minutes from memory.
 * @returns those that are there, by id
 * @throws ServiceError `unavailable`
 */
export async function getConfigs(projectId: string, ids: string[]): Promise<Map<string, SoftwareConfig>> {
  const found = new Map<string, SoftwareConfig>();
  const missing: Key[] = [];
  for (const id of new Set(ids)) {
    const known = remembered.get(`${projectId}#${id}`);
    if (known) found.set(id, known);
    else if (isId(id)) missing.push({ project_id: projectId, id });
  }
  const rows = missing.length > 0 ? await batchGet<ConfigRow>(TableName, missing) : [];
  for (const row of rows) {
    const config = decode(row);
    const size = (config.textLength ?? 0) + SMALL_FIELDS;
    found.set(config.id, config);
    remembered.set(`${projectId}#${config.id}`, config, { size });
  }
  return found;
}

/** Forgets a configuration that is about to be removed. */
export function forgetConfig(projectId: string, id: string): void {
  remembered.delete(`${projectId}#${id}`);
}

/** The error for a configuration that is not there. */
export function configNotFound(id: string): ServiceError {
  return new ServiceError("not_found", `Software config with id ${id} not found`);
}
