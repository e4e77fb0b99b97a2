import { hash } from "node:crypto";
import type { PathOf } from "../dynamodb/expression.ts";
import { softwareDeploymentsTable } from "../settings.ts";

/** The name of the table that has servers' rows: the one of their deployments, so that one query finds all. */
export const TableName = softwareDeploymentsTable();

/** The row of a server, beside the rows of its deployments: what none of them can say. */
export interface ServerRow {
  project_id: string;
  id: string;
  /** The key of the index by server. */
  serverKey: string;
  /** When one of its deployments was last removed, in seconds since 1970. */
  changedAt?: number;
  /** Links that were made until then are revoked, in ms since 1970. */
  linksValidFrom?: number;
}

/** The attributes of a server's row that a read of its deployments brings along, beside those that these have too. */
export const SERVER_STATE = ["linksValidFrom"] as const satisfies PathOf<ServerRow>[];

/** The id of a server's row. It sorts behind every deployment's id. */
export function serverRowId(serverId: string): string {
  return `server#${hash("sha256", serverId, "hex")}`;
}
