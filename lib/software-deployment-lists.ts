import { softwareDeploymentsTable } from "./config.ts";
import { batchGet, type Item, isId, pageLimit, type Query, queried, queriedPages } from "./dynamodb.ts";
import type { DeploymentState, ServerState } from "./server-state.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { BEHIND_IDS, configKey, deploymentOf, serverKey, serverRowId } from "./software-deployment-item.ts";

const TableName = softwareDeploymentsTable();

/** How many rows of an index are looked up at a time. */
const LOOK_UP = 100;

/** The part of a key that holds deployments' ids: behind a marker, and before the rows of servers. */
const ids = (marker: string | undefined) => ({
  condition: "id BETWEEN :first AND :last",
  // A text is behind another that it begins with.
  values: { ":first": marker === undefined ? "0" : `${marker.toLowerCase()}!`, ":last": BEHIND_IDS },
});

/** Where a list begins and how much of it will be read. */
export interface From {
  /** Behind this id, which need not be there any more; at the first without it. */
  marker?: string | undefined;
  /** How many will be read, where that is known. */
  limit?: number | undefined;
}

async function* listByProject(
  projectId: string,
  { marker, limit }: From,
): AsyncGenerator<SoftwareDeployment> {
  const { condition, values } = ids(marker);
  const rows = queried({
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: `project_id = :project AND ${condition}`,
    ExpressionAttributeValues: { ":project": projectId, ...values },
    Limit: pageLimit(limit),
  });
  for await (const row of rows) yield deploymentOf(row);
}

/** As many rows of an index at a time as are looked up at once. */
function* portions<Row>(rows: Row[]): Generator<Row[]> {
  for (let at = 0; at < rows.length; at += LOOK_UP) yield rows.slice(at, at + LOOK_UP);
}

/** What an index finds, in such portions. */
async function* indexed(query: Query): AsyncGenerator<Item[]> {
  for await (const page of queriedPages({ ...query, TableName })) yield* portions(page);
}

/** What a server is told follows from these; results, which may be large, do not count. */
const TOLD = [
  ...["project_id", "id", "server_id", "config_id", "action", "input_values", "status", "status_reason"],
  ...["stack_user_project_id", "creation_time", "updated_time", "collected_time", "collected_delivery"],
  ...["timeout", "begun", "deadline", "signal_expires", "delivery", "reran", "revision"],
];

const lookedUp = (projectId: string, rows: { id?: unknown }[], attributes?: string[]): Promise<Item[]> => {
  const keys = rows.map(({ id }) => ({ project_id: projectId, id: id as string }));
  return batchGet(TableName, keys, attributes);
};

/** Reads what a server is told of deployments that an index has found. @throws ServiceError `unavailable` */
export async function* told(projectId: string, rows: { id: string }[]): AsyncGenerator<SoftwareDeployment> {
  for (const portion of portions(rows)) {
    // One at a time: values inflate to many times what is stored.
    for (const item of await lookedUp(projectId, portion, TOLD)) yield deploymentOf(item);
  }
}

/**
 * Lists the deployments of a server by creation, through an index that may lag behind new ones a moment.
 * @param from.delegate the delegated tenant's project, when the caller is one
 * @param from.told leaves out results
 */
export async function* listByServer(
  projectId: string,
  serverId: string,
  from: From & { delegate?: string | undefined; told?: boolean } = {},
): AsyncGenerator<SoftwareDeployment> {
  const { marker, limit, delegate } = from;
  const { condition, values } = ids(marker);
  const batches = indexed({
    IndexName: "by_server",
    KeyConditionExpression: `server_key = :server AND ${condition}`,
    ...(delegate !== undefined && { FilterExpression: "stack_user_project_id = :delegate" }),
    ExpressionAttributeValues: {
      ":server": serverKey(projectId, serverId),
      ...values,
      ...(delegate !== undefined && { ":delegate": delegate }),
    },
    Limit: pageLimit(limit),
  });
  for await (const rows of batches) {
    // One at a time: values inflate to many times what is stored.
    for (const item of await lookedUp(projectId, rows, from.told ? TOLD : undefined))
      yield deploymentOf(item);
  }
}

/**
 * Lists a project's deployments by creation: one consistent query on the table's own key; those of one server
 * through an index.
 */
export const list = (
  projectId: string,
  { server_id, ...from }: From & { server_id?: string | undefined },
): AsyncGenerator<SoftwareDeployment> =>
  server_id ? listByServer(projectId, server_id, from) : listByProject(projectId, from);

/** Whether a deployment of the project refers to a configuration that is kept; what the index says is confirmed. */
export const isReferenced = async (projectId: string, configId: string): Promise<boolean> => {
  if (!isId(configId)) return false;
  const batches = indexed({
    IndexName: "by_config",
    KeyConditionExpression: "config_key = :config",
    ExpressionAttributeValues: { ":config": configKey(projectId, configId) },
  });
  for await (const rows of batches) {
    const found = await lookedUp(projectId, rows, ["id", "config_id"]);
    if (found.some(({ config_id }) => config_id === configId)) return true;
  }
  return false;
};

/**
 * Reads what tells whether anything has changed for a server: one query on the index, no deployments.
 * @throws ServiceError `unavailable`
 */
export const serverState = async (projectId: string, serverId: string): Promise<ServerState> => {
  const rows: Item[] = [];
  const query: Query = {
    IndexName: "by_server",
    KeyConditionExpression: "server_key = :server",
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId) },
  };
  for await (const page of queriedPages({ ...query, TableName })) rows.push(...page);
  const own = rows.find(({ id }) => id === serverRowId(serverId));
  return {
    deployments: rows.filter((row) => row !== own) as unknown as DeploymentState[],
    changed: (own?.changed as number | undefined) ?? 0,
    linksFrom: (own?.links_from as number | undefined) ?? 0,
  };
};
