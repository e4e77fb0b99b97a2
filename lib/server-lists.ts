import { softwareDeploymentsTable } from "./config.ts";
import { queried } from "./dynamodb.ts";
import type { DeploymentState, ServerState } from "./server-state.ts";
import { isVisibleTo, type SoftwareDeployment } from "./software-deployment.ts";
import { presentIn, serverKey, serverRowId } from "./software-deployment-item.ts";
import { goneFrom } from "./software-deployment-lifetime-item.ts";
import { lookedUp, portions } from "./software-deployment-lists.ts";
import { epoch } from "./wire/instant.ts";

/** What a server is told follows from these; results, which may be large, do not count. */
const TOLD = [
  ...["project_id", "id", "server_id", "config_id", "action", "input_values", "status", "status_reason"],
  ...[
    "stack_user_project_id",
    "creation_time",
    "updated_time",
    "collected_time",
    "collected_delivery",
    "changed",
  ],
  ...["timeout", "begun", "deadline", "signal_expires", "delivery", "reran", "revision", "key_expires"],
];

/** Reads what a server is told of deployments that an index has found. @throws ServiceError `unavailable` */
export async function* told(
  projectId: string,
  rows: DeploymentState[],
  now: Date,
): AsyncGenerator<SoftwareDeployment> {
  for (const portion of portions(rows)) {
    // One at a time: values inflate to many times what is stored.
    for (const item of await lookedUp(projectId, portion, TOLD)) {
      const deployment = presentIn(item, now);
      if (deployment) yield deployment;
    }
  }
}

/** A row of the index by server: a deployment's, or the server's own, which has a time of revocation. */
interface IndexRow extends DeploymentState {
  links_from?: number;
}

/**
 * Reads what tells whether anything has changed for a server: one query on the index, no deployments. It may lag
 * behind a moment.
 * @param delegate the delegated tenant's project, when the caller is one
 * @throws ServiceError `unavailable`
 */
export const serverState = async (
  projectId: string,
  serverId: string,
  now: Date,
  delegate?: string,
): Promise<ServerState> => {
  const rows: IndexRow[] = [];
  const query = {
    TableName: softwareDeploymentsTable(),
    IndexName: "by_server",
    KeyConditionExpression: "server_key = :server",
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId) },
  };
  for await (const row of queried<IndexRow>(query)) rows.push(row);
  const own = rows.find(({ id }) => id === serverRowId(serverId));
  const all = rows.filter((row) => row !== own);
  const gone = all.map(goneFrom).filter((from) => from <= epoch(now));
  return {
    deployments: all.filter((row) => goneFrom(row) > epoch(now) && isVisibleTo(row, delegate)),
    changed: Math.max(own?.changed ?? 0, ...gone),
    linksFrom: own?.links_from ?? 0,
  };
};
