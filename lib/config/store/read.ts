import { LRUCache } from "lru-cache";
import { batchGet, getItem } from "../../dynamodb/calls.ts";
import { ServiceError } from "../../errors.ts";
import { isId } from "../../shapes.ts";
import type { SoftwareConfig } from "../config.ts";
import type { ConfigOutput } from "../inputs-outputs.ts";
import { normalizedOutput } from "../normalize.ts";
import { type ConfigRow, decode, TableName } from "./row.ts";

/** The characters that a configuration takes beside its JSON texts, about. */
const SMALL_FIELDS = 1_000;

/** Configurations that were read, which never change: at most 16 MiB of them, for 5 minutes each. */
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
  const missing: string[] = [];
  for (const id of new Set(ids.filter(isId))) {
    const known = remembered.get(memoryKey(projectId, id));
    if (known) found.set(id, known);
    else missing.push(id);
  }
  const keys = missing.map((id) => ({ project_id: projectId, id }));
  for (const row of await batchGet<ConfigRow>(TableName, keys)) {
    const config = decode(row);
    found.set(config.id, config);
    remembered.set(memoryKey(projectId, config.id), config, {
      size: (config.textLength ?? 0) + SMALL_FIELDS,
    });
  }
  return found;
}

/** The outputs that a configuration declares; none where it is not stored by this service. @throws ServiceError `unavailable` */
export async function declaredOutputs(projectId: string, id: string): Promise<ConfigOutput[]> {
  return ((await getConfigs(projectId, [id])).get(id)?.outputs ?? []).map(normalizedOutput);
}

/** Forgets a configuration that is about to be removed. */
export function forgetConfig(projectId: string, id: string): void {
  remembered.delete(memoryKey(projectId, id));
}

/** The error for a configuration that is not there. */
export function configNotFound(id: string): ServiceError {
  return new ServiceError("not_found", `Software config with id ${id} not found`);
}

function memoryKey(projectId: string, id: string): string {
  return `${projectId}#${id}`;
}
