import type { References } from "../../config/store/delete.ts";
import { queryItems } from "../../dynamodb/calls.ts";
import { epochSeconds } from "../../iso-time.ts";
import { listDeployments } from "./query.ts";
import { BEHIND_IDS, TableName } from "./row.ts";

/** How far back changes are looked for in the table itself, in seconds: far longer than any index lags. */
const LATELY = 10 * 60;

/** Finds out whether a deployment of a project refers to a configuration. */
export function referencesOf(projectId: string, configId: string, now: Date): References {
  const exist = () => isFound(listDeployments(projectId, { config_id: configId }, { limit: 1 }, now));
  return {
    exist,
    existLately: async () => (await exist()) || isFound(changedLately(projectId, configId, now)),
  };
}

async function isFound(rows: AsyncGenerator): Promise<boolean> {
  return (await rows.next()).done !== true;
}

/**
 * The deployments that refer to a configuration and were written lately, by the table itself: new ones, and old ones
 * whose configuration was changed. This reads the whole project: it is paid by who removes a configuration alone.
 */
function changedLately(projectId: string, configId: string, now: Date): AsyncGenerator {
  return queryItems({
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: "project_id = :project AND id < :behind",
    FilterExpression: "config_id = :config AND changed >= :lately",
    ProjectionExpression: "id",
    ExpressionAttributeValues: {
      ":project": projectId,
      ":behind": BEHIND_IDS,
      ":config": configId,
      ":lately": epochSeconds(now) - LATELY,
    },
  });
}
