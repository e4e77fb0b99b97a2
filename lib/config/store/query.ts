import { firstQueryPage, queryItems } from "../../dynamodb/calls.ts";
import type { ConfigSummary } from "../summary.ts";
import { TableName } from "./row.ts";

/**
 * Lists a project's configurations, the newest first, by a consistent query on the table's own key.
 * @param range.marker the list begins behind this id, which need not be there any more
 * @param range.limit how many will be read, where that is known
 * @throws ServiceError `unavailable`
 */
export async function* listConfigs(
  projectId: string,
  { marker, limit }: { marker?: string | undefined; limit?: number | undefined },
): AsyncGenerator<ConfigSummary, undefined> {
  const rows = queryItems({
    TableName,
    ConsistentRead: true,
    ScanIndexForward: false,
    KeyConditionExpression: `project_id = :project${marker === undefined ? "" : " AND id < :marker"}`,
    ExpressionAttributeValues: {
      ":project": projectId,
      ...(marker !== undefined && { ":marker": marker.toLowerCase() }),
    },
    ProjectionExpression: "id, #name, #group, creation_time",
    ExpressionAttributeNames: { "#name": "name", "#group": "group" },
    Limit: firstQueryPage(limit),
  });
  for await (const { id, name = null, group = null, creation_time } of rows) {
    yield { id, name, group, creation_time } as ConfigSummary;
  }
}
