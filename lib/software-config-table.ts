import { LRUCache } from "lru-cache";
import { configReferencesAreChecked, softwareConfigsTable } from "./config.ts";
import { batchGet, firstPage, getRow, type Item, isId, putNew, queried, rethrow } from "./dynamodb.ts";
import { deleteItem } from "./dynamodb-client.ts";
import { ServiceError } from "./errors.ts";
import type { ListedConfig, SoftwareConfig } from "./software-config.ts";
import { type Attributes, bytesOf, MAX_ITEM_BYTES, restoredJson, storedJson } from "./stored-json.ts";

const TableName = softwareConfigsTable();

/** What is remembered of configurations, which never change: at most 16 MiB of them, for 5 minutes each. */
const remembered = new LRUCache<string, SoftwareConfig>({
  maxSize: 16 * 1_048_576,
  ttl: 5 * 60_000,
});

const notFound = (id: string): ServiceError =>
  new ServiceError("not_found", `Software config with id ${id} not found`);

const itemOf = (config: SoftwareConfig): Attributes => {
  const { project_id, id, name, group, creation_time, ...json } = config;
  const plain = Object.fromEntries(
    Object.entries({ project_id, id, name, group, creation_time }).filter(([, value]) => value !== null),
  ) as Attributes;
  return { ...plain, ...storedJson(json, plain) };
};

const configOf = (item: Item): SoftwareConfig =>
  ({
    project_id: item.project_id,
    id: item.id,
    name: item.name ?? null,
    group: item.group ?? null,
    creation_time: item.creation_time,
    config: restoredJson(item.config),
    inputs: restoredJson(item.inputs),
    outputs: restoredJson(item.outputs),
    options: restoredJson(item.options),
  }) as SoftwareConfig;

/**
 * Stores a new configuration with one conditional write.
 * @throws ServiceError `invalid` when the item would pass DynamoDB's 400 KB, `unavailable`
 */
export const insert = async (config: SoftwareConfig): Promise<void> => {
  const Item = itemOf(config);
  if (bytesOf(Item) > MAX_ITEM_BYTES) {
    throw new ServiceError("invalid", "config: too large: a configuration takes at most 400 KB");
  }
  await putNew(TableName, [Item]);
};

const find = async (projectId: string, id: string): Promise<SoftwareConfig | undefined> => {
  const item = await getRow(TableName, { project_id: projectId, id });
  return item && configOf(item);
};

/**
 * Holds references against what is kept, on stages that want it (`configReferences: checked`).
 * @param ids undefined ones refer to nothing
 * @throws ServiceError `invalid` when the project has no such configuration, `unavailable`
 */
export const checkReferences = async (projectId: string, ...ids: (string | undefined)[]): Promise<void> => {
  if (!configReferencesAreChecked()) return;
  for (const id of new Set(ids)) {
    if (id === undefined || (await find(projectId, id))) continue;
    throw new ServiceError("invalid", `config_id: Config with id ${id} not found`);
  }
};

/**
 * Reads a configuration.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const get = async (projectId: string, id: string): Promise<SoftwareConfig> => {
  const config = await find(projectId, id);
  if (!config) throw notFound(id);
  return config;
};

/**
 * Reads many configurations of a project, those that were read a moment ago from memory.
 * @returns what was found, by id
 * @throws ServiceError `unavailable`
 */
export const getMany = async (projectId: string, ids: string[]): Promise<Map<string, SoftwareConfig>> => {
  const wanted = [...new Set(ids)].filter(isId);
  const found = new Map<string, SoftwareConfig>();
  const missing: string[] = [];
  for (const id of wanted) {
    const known = remembered.get(`${projectId}#${id}`);
    if (known) found.set(id, known);
    else missing.push(id);
  }
  const items = await batchGet(
    TableName,
    missing.map((id) => ({ project_id: projectId, id })),
  );
  for (const item of items) {
    const config = configOf(item);
    found.set(config.id, config);
    remembered.set(`${projectId}#${config.id}`, config, { size: JSON.stringify(config).length });
  }
  return found;
};

/** The outputs that a configuration declares; none where it is not kept here. @throws ServiceError `unavailable` */
export const declaredOutputs = async (projectId: string, id: string): Promise<SoftwareConfig["outputs"]> =>
  (await getMany(projectId, [id])).get(id)?.outputs ?? [];

/**
 * Lists a project's configurations, the newest first: one consistent query on the table's own key.
 * @param from.marker the list begins behind this id, which need not be there any more
 * @param from.limit how many will be read, where that is known
 */
export async function* list(
  projectId: string,
  { marker, limit }: { marker?: string | undefined; limit?: number | undefined },
): AsyncGenerator<ListedConfig, undefined> {
  const rows = queried({
    TableName,
    ConsistentRead: true,
    ScanIndexForward: false,
    KeyConditionExpression: `project_id = :project${marker === undefined ? "" : " AND id < :marker"}`,
    ExpressionAttributeValues: {
      ":project": projectId,
      ...(marker !== undefined && { ":marker": marker.toLowerCase() }),
    },
    ProjectionExpression: "id, #name, #group, creation_time",
    ExpressionAttributeNames: { "#name": "name", "#group": "group" },
    Limit: firstPage(limit),
  });
  for await (const row of rows) {
    const { id, name = null, group = null, creation_time } = row;
    yield { id, name, group, creation_time } as ListedConfig;
  }
}

/**
 * Removes a configuration with one write.
 * @throws ServiceError `not_found`, `unavailable`
 */
export const remove = async (projectId: string, id: string): Promise<void> => {
  remembered.delete(`${projectId}#${id}`);
  if (!isId(id)) throw notFound(id);
  const deleted = deleteItem({ TableName, Key: { project_id: projectId, id }, ReturnValues: "ALL_OLD" });
  const { attributes, attempts } = await deleted.catch(rethrow);
  // A repeated call whose first answer was lost finds it gone because it removed it.
  if (!attributes && attempts === 1) throw notFound(id);
};

/**
 * Refuses to remove what is referenced.
 * @throws ServiceError `conflict`; `not_found` for a configuration that is only referred to, never kept here
 */
export const refuseRemoval = async (projectId: string, id: string): Promise<never> => {
  if (!(await find(projectId, id))) throw notFound(id);
  throw new ServiceError("conflict", `Software config with id ${id} can not be deleted as it is referenced.`);
};
