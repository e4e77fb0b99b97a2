import { indexKey, updateItem } from "../dynamodb/calls.ts";
import { any, Expression } from "../dynamodb/expression.ts";
import { epochSeconds } from "../times.ts";
import { type ServerRow, serverRowId, TableName } from "./row.ts";

/** Revokes the links of a server that were made until now. @throws ServiceError `unavailable` */
export function revokeLinks(projectId: string, serverId: string, now: Date): Promise<void> {
  return advance(projectId, serverId, "linksValidFrom", now.getTime());
}

/**
 * Notes that a deployment of a server is about to be removed: once it is, no row tells it.
 * @throws ServiceError `unavailable`
 */
export function noteRemoval(projectId: string, serverId: string, now: Date): Promise<void> {
  return advance(projectId, serverId, "changedAt", epochSeconds(now));
}

/** Sets a time in a server's row, unless a later one is there: a container whose clock is behind takes none away. */
async function advance(
  projectId: string,
  serverId: string,
  name: "changedAt" | "linksValidFrom",
  time: number,
): Promise<void> {
  const row = new Expression<ServerRow>();
  await updateItem({
    TableName,
    Key: { project_id: projectId, id: serverRowId(serverId) },
    UpdateExpression: row.update({
      set: [
        ["serverKey", indexKey(projectId, serverId)],
        [name, time],
      ],
    }),
    ConditionExpression: any(row.isAbsent(name), row.compare(name, "<", time)),
    ...row.placeholders,
  });
}
