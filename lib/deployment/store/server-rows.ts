import { queryItems } from "../../dynamodb/calls.ts";
import { Expression, type PathOf } from "../../dynamodb/expression.ts";
import { SERVER_STATE, type ServerRow, serverKey, serverRowId } from "../../server/row.ts";
import { DELIVERED, type DeliveredRow, type DeploymentRow, STATE, TableName } from "./row.ts";

/** A server as one read of the index by server finds it: a moment behind the table, but all of it at the same time. */
export interface ServerRows {
  /** The server's own row, where it has one. */
  server: Partial<ServerRow>;
  /** The rows of its deployments, by creation, past their retention or not. */
  rows: DeliveredRow[];
}

/**
 * Reads a server and its deployments by one query of the index by server. The table itself is not read.
 * @param options.stateAlone leaves out what its metadata are made of
 * @throws ServiceError `unavailable`
 */
export async function queryServer(
  projectId: string,
  serverId: string,
  { stateAlone }: { stateAlone: boolean },
): Promise<ServerRows> {
  const expression = new Expression<DeploymentRow & ServerRow>();
  const attributes: PathOf<DeploymentRow & ServerRow>[] = stateAlone ? [...STATE] : [...DELIVERED];
  const found = await Array.fromAsync(
    queryItems<DeliveredRow & Partial<ServerRow>>({
      TableName,
      IndexName: "by_server",
      KeyConditionExpression: expression.compare("serverKey", "=", serverKey(projectId, serverId)),
      ProjectionExpression: expression.projection([...new Set([...attributes, ...SERVER_STATE])]),
      ...expression.placeholders,
    }),
  );
  const own = serverRowId(serverId);
  const server = found.find(({ id }) => id === own) ?? {};
  return { server, rows: found.filter((row) => row !== server) };
}
