import { isVisibleTo } from "../../deployment/deployment.ts";
import { expiresAt } from "../../deployment/retention.ts";
import { serverKey, TableName } from "../../deployment/table/item.ts";
import { type ServerRow, serverRowId } from "../../deployment/table/server-row.ts";
import { type Item, queryItems } from "../../dynamodb/calls.ts";
import { epochSeconds } from "../../wire/time.ts";
import type { DeploymentState, ServerState } from "../state.ts";

/**
 * Reads what tells whether anything has changed for a server, by one query on the index by server, which may be a
 * moment behind. Reads no deployments.
 * @param delegate the project of a caller who is a delegated tenant: to it, other deployments do not exist
 * @throws ServiceError `unavailable`
 */
export async function getServerState(
  projectId: string,
  serverId: string,
  now: Date,
  delegate?: string,
): Promise<ServerState> {
  const query = {
    TableName,
    IndexName: "by_server",
    KeyConditionExpression: "server_key = :server",
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId) },
  };
  const rows: Item[] = await Array.fromAsync(queryItems(query));
  const own = rows.find(({ id }) => id === serverRowId(serverId)) as ServerRow | undefined;
  const deployments = rows.filter((row) => row !== own);
  const goneAt = deployments.map((row) => expiresAt(stateOf(row))).filter((at) => at <= epochSeconds(now));
  return {
    deployments: deployments
      .filter((row) => isVisibleTo(row, delegate))
      .map(stateOf)
      .filter((state) => expiresAt(state) > epochSeconds(now)),
    changedAt: Math.max(own?.changed ?? 0, ...goneAt),
    linksFrom: own?.links_from ?? 0,
  };
}

/** What a row of the index by server says of a deployment. */
function stateOf({ id, revision, status, deadline, changed }: Item): DeploymentState {
  return { id, revision, status, deadlineAt: deadline, changedAt: changed } as DeploymentState;
}
