import { hash } from "node:crypto";
import { updateItem } from "../dynamodb/calls.ts";
import { epochSeconds } from "../iso-time.ts";
import { softwareDeploymentsTable } from "../settings.ts";

/**
 * What the row of a server says, beside the rows of its deployments: what none of them can say. It has the key of the
 * index by server too, so that one query finds all.
 */
export interface ServerRow {
  /** When one of its deployments was last removed, in seconds since 1970. */
  changed?: number;
  /** When its links were last revoked, in ms since 1970: links that were made until then are void. */
  links_from?: number;
}

/** The table of deployments, which holds servers' rows too. */
const TableName = softwareDeploymentsTable();

/** The key of the index by server. A project's id holds no `#`, so no two pairs share a key. */
export function serverKey(projectId: string, serverId: string): string {
  return `${projectId}#${serverId}`;
}

/** The id of a server's row. It sorts behind every deployment's id. */
export function serverRowId(serverId: string): string {
  return `server#${hash("sha256", serverId, "hex")}`;
}

/** Revokes the links of a server that were made until now. @throws ServiceError `unavailable` */
export function revokeLinks(projectId: string, serverId: string, now: Date): Promise<void> {
  return setInRow(projectId, serverId, "links_from", now.getTime());
}

/**
 * Notes that a deployment of a server is about to be removed: once it is, no row tells it.
 * @throws ServiceError `unavailable`
 */
export function noteRemoval(projectId: string, serverId: string, now: Date): Promise<void> {
  return setInRow(projectId, serverId, "changed", epochSeconds(now));
}

async function setInRow(
  projectId: string,
  serverId: string,
  name: keyof ServerRow,
  value: number,
): Promise<void> {
  await updateItem({
    TableName,
    Key: { project_id: projectId, id: serverRowId(serverId) },
    UpdateExpression: `SET server_key = :server, ${name} = :value`,
    // A container whose clock is behind does not take a later time away.
    ConditionExpression: `attribute_not_exists(${name}) OR ${name} < :value`,
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId), ":value": value },
  });
}
