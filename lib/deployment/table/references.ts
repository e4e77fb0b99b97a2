import type { References } from "../../config/table/remove.ts";
import { queryItems } from "../../dynamodb/calls.ts";
import { BEHIND_IDS, TableName } from "./item.ts";
import { listDeployments } from "./list.ts";

/** How far back creations are looked for in the table itself, in ms: far longer than any index lags. */
const LATELY = 10 * 60_000;

/** Finds out whether a deployment of a project refers to a configuration. */
export function referencesOf(projectId: string, configId: string, now: Date): References {
  const exist = () => isFound(listDeployments(projectId, { config_id: configId }, { limit: 1 }, now));
  return {
    exist,
    existLately: async () => (await exist()) || isFound(createdLately(projectId, configId, now)),
  };
}

async function isFound(rows: AsyncGenerator): Promise<boolean> {
  return (await rows.next()).done !== true;
}

/** The latest deployments that refer to a configuration, by the table's own key: ids rise with time. */
function createdLately(projectId: string, configId: string, now: Date): AsyncGenerator {
  return queryItems({
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: "project_id = :project AND id BETWEEN :first AND :last",
    FilterExpression: "config_id = :config",
    ProjectionExpression: "id",
    ExpressionAttributeValues: {
      ":project": projectId,
      ":first": idAt(now.getTime() - LATELY),
      ":last": BEHIND_IDS,
      ":config": configId,
    },
  });
}

/** The beginning of the ids (UUIDs of version 7) that are made at a time, in ms since 1970. */
function idAt(time: number): string {
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
