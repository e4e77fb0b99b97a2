import type { References } from "../../config/store/delete.ts";
import { queryItems } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import { epochSeconds } from "../../times.ts";
import { listDeployments } from "./query.ts";
import { AFTER_DEPLOYMENT_IDS, type DeploymentRow, TableName } from "./row.ts";

/** The age of changes up to which the table itself is searched, in seconds: far longer than an index lags. */
const RECENT_SECONDS = 10 * 60;

/** The search for deployments of a project that refer to a configuration. */
export function referencesOf(projectId: string, configId: string, now: Date): References {
  const exist = () => yieldsAny(listDeployments(projectId, { config_id: configId }, { limit: 1 }, now));
  return {
    exist,
    existIncludingRecent: async () =>
      (await exist()) || yieldsAny(recentReferences(projectId, configId, now)),
  };
}

async function yieldsAny(rows: AsyncGenerator): Promise<boolean> {
  return (await rows.next()).done !== true;
}

/**
 * The deployments that refer to a configuration and were changed in the last minutes, from the table: new ones, and old
 * ones with a new configuration. It reads the whole project; only the removal of a configuration pays for that.
 */
function recentReferences(projectId: string, configId: string, now: Date): AsyncGenerator {
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
