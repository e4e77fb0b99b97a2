import { isVisibleTo } from "../../deployment/deployment.ts";
import { expiresAt } from "../../deployment/retention.ts";
import { lifetimeOf, serverKey, TableName } from "../../deployment/table/item.ts";
import { type ServerRow, serverRowId } from "../../deployment/table/server-row.ts";
import { type Item, queryItems } from "../../dynamodb/calls.ts";
import { epochSeconds } from "../../wire/time.ts";
import type { DeploymentState, ServerState } from "../state.ts";

/**
 * Reads what a server's ETag and Last-Modified follow from, by one eventually consistent query of the index by server.
 * The table itself is not read.
 * @param delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `unavailable`
 */
export async function getServerState(
  projectId: string,
  serverId: string,
  now: Date,
  delegateProjectId?: string,
): Promise<ServerState> {
  const query = {
    TableName,
    IndexName: "by_server",
    KeyConditionExpression: "server_key = :server",
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId) },
  };
  const rows: Item[] = await Array.fromAsync(queryItems(query));
  const serverRow = rows.find(({ id }) => id === serverRowId(serverId)) as ServerRow | undefined;
  const time = epochSeconds(now);
  const states = rows
    .filter((row) => row !== serverRow)
    .map((row) => ({ row, state: stateOf(row), endsAt: expiresAt(lifetimeOf(row)) }));
  const ended = states.filter(({ endsAt }) => endsAt <= time).map(({ endsAt }) => endsAt);
  return {
    deployments: states
      .filter(({ row, endsAt }) => endsAt > time && isVisibleTo(row, delegateProjectId))
      .map(({ state }) => state),
    changedAt: Math.max(serverRow?.changed ?? 0, ...ended),
    linksValidFrom: serverRow?.links_from ?? 0,
  };
}

function stateOf(row: Item): DeploymentState {
  return { id: row.id, revision: row.revision, ...lifetimeOf(row) } as DeploymentState;
}
