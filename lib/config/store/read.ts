import { LRUCache } from "lru-cache";
import { batchGet, getItem, type Key } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { isId } from "../../shapes.ts";
import type { SoftwareConfig } from "../config.ts";
import { type ConfigRow, decode, TableName } from "./row.ts";

/** The approximate size of a configuration without its JSON texts, in characters. */
const SMALL_FIELDS = 1_000;

/** The cache of configurations, which never change, by project and id: at most 16 Mi characters, 5 minutes each. */
const cache = new LRUCache<string, SoftwareConfig>({
  maxSize: 16 * 1_048_576,
  ttl: 5 * 60_000,
});

/** The configurations that were found missing in the last 30 s, by project and id. */
const missing = new LRUCache<string, true>({ max: 10_000, ttl: 30_000 });

/** The time that a check waits for configurations, in ms. */
const CHECK_TIMEOUT_MS = 500;

/**
 * Reads a configuration.
 * @throws ServiceError `not_found`, `unavailable`
 */
export async function getConfig(projectId: string, id: string): Promise<SoftwareConfig> {
  const config = await findConfig(projectId, id);
  if (!config) throw configNotFound(id);
  return config;
}

/** Reads a configuration; undefined if there is none. @throws ServiceError `unavailable` */
export async function findConfig(projectId: string, id: string): Promise<SoftwareConfig | undefined> {
  const row = isId(id) ? await getItem<ConfigRow>(TableName, { project_id: projectId, id }) : undefined;
  return row && decode(row);
}

/**
 * Reads many configurations of a project, from memory if they were read in the last 5 minutes.
 * @param timeout the time until it is given up, in ms
 * @returns the existing ones, by id
 * @throws ServiceError `unavailable`
 */
export async function getConfigs(
  projectId: string,
  ids: string[],
  timeout?: number,
): Promise<Map<string, SoftwareConfig>> {
  const byId = new Map<string, SoftwareConfig>();
  const keys: Key[] = [];
  for (const id of new Set(ids)) {
    const config = cache.get(cacheKey(projectId, id));
    if (config) byId.set(id, config);
    else if (isId(id)) keys.push({ project_id: projectId, id });
  }
  const rows = keys.length > 0 ? await batchGet<ConfigRow>(TableName, keys, { timeout }) : [];
  for (const row of rows) {
    const config = decode(row);
    const size = (config.textLength ?? 0) + SMALL_FIELDS;
    byId.set(config.id, config);
    cache.set(cacheKey(projectId, config.id), config, { size });
  }
  return byId;
}

/**
 * Reads configurations as `getConfigs` does, to check a request: one that this container found missing in the last 30 s
 * counts as missing still.
 * @throws ServiceError `unavailable`, also after 500 ms
 */
export async function getConfigsForChecks(
  projectId: string,
  ids: string[],
): Promise<Map<string, SoftwareConfig>> {
  const unknown = ids.filter((id) => !missing.has(cacheKey(projectId, id)));
  const configs = await getConfigs(projectId, unknown, CHECK_TIMEOUT_MS);
  for (const id of unknown) if (!configs.has(id)) missing.set(cacheKey(projectId, id), true);
  return configs;
}

/** Drops a configuration from this container's cache. */
export function forgetConfig(projectId: string, id: string): void {
  cache.delete(cacheKey(projectId, id));
}

function cacheKey(projectId: string, id: string): string {
  return `${projectId}#${id}`;
}

/** The error for a configuration that does not exist. */
export function configNotFound(id: string): ServiceError {
  return new ServiceError("not_found", `Software config with id ${id} not found`);
}
