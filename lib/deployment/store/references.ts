import type { References } from "../../config/store/delete.ts";
import { queryItems } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { epochSeconds } from "../../times.ts";
import { listDeployments } from "./query.ts";
import { AFTER_DEPLOYMENT_IDS, type DeploymentRow, TableName } from "./row.ts";

/** How far back changes are looked for in the table itself, in seconds: far longer than any index lags. */
const RECENT_SECONDS = 10 * 60;

/** Finds out whether a deployment of a project refers to a configuration. */
export function referencesOf(projectId: string, configId: string, now: Date): References {
  const exist = () => isFound(listDeployments(projectId, { config_id: configId }, { limit: 1 }, now));
  return {
    exist,
    existIncludingRecent: async () => (await exist()) || isFound(recentlyChanged(projectId, configId, now)),
  };
}

async function isFound(rows: AsyncGenerator): Promise<boolean> {
  return (await rows.next()).done !== true;
}

/**
 * The deployments that refer to a configuration and were written in the last minutes, by the table itself: new ones, and
 * old ones whose configuration was changed. This reads the whole project: who removes a configuration alone pays for it.
 */
function recentlyChanged(projectId: string, configId: string, now: Date): AsyncGenerator {
  const row = new Expression<DeploymentRow>();
  return queryItems({
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: all(
      row.compare("project_id", "=", projectId),
      row.compare("id", "<", AFTER_DEPLOYMENT_IDS),
    ),
    FilterExpression: all(
      row.compare("config_id", "=", configId),
      row.compare("changedAt", ">=", epochSeconds(now) - RECENT_SECONDS),
    ),
    ProjectionExpression: row.projection(["id"]),
    ...row.placeholders,
  });
}
