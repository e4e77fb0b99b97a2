import { hash } from "node:crypto";
import type { PathOf } from "../dynamodb/expression.ts";
import { softwareDeploymentsTable } from "../settings.ts";

/** The name of the table with servers' rows: their deployments' table, so that one query finds both. */
export const TableName = softwareDeploymentsTable();

/** The row of a server: state that none of its deployments' rows can hold. It exists once there is such state. */
export interface ServerRow {
  project_id: string;
  id: string;
  /** The key of the index by server. */
  serverKey: string;
  /** The time when one of its deployments was last removed, in seconds since 1970. */
  changedAt?: number;
  /** The time up to which links are revoked, in ms since 1970: a link issued then or before is void. */
  linksValidFrom?: number;
}

/** The attributes of a server's own row that a query of its deployments reads, beside those of `STATE`. */
export const SERVER_STATE = ["linksValidFrom"] as const satisfies PathOf<ServerRow>[];

/** The id of a server's row. It sorts after every deployment's id. */
export function serverRowId(serverId: string): string {
  return `server#${hash("sha256", serverId, "hex")}`;
}
