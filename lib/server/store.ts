import { indexKey, updateItem } from "../dynamodb/calls.ts";
import { any, Expression } from "../dynamodb/expression.ts";
import { epochSeconds } from "../times.ts";
import { type ServerRow, serverRowId, TableName } from "./row.ts";

/** Revokes all links of a server that were issued until now. @throws ServiceError `unavailable` */
export function revokeLinks(projectId: string, serverId: string, now: Date): Promise<void> {
  return advance(projectId, serverId, "linksValidFrom", now.getTime());
}

/**
 * Records in a server's row that one of its deployments is about to be removed: afterwards no deployment's row shows
 * that the metadata have changed.
 * @throws ServiceError `unavailable`
 */
export function noteRemoval(projectId: string, serverId: string, now: Date): Promise<void> {
  return advance(projectId, serverId, "changedAt", epochSeconds(now));
}

/** Sets a time in a server's row, unless a later one is there: a clock that is behind must not move it back. */
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
