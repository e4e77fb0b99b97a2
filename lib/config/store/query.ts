import { firstQueryPage, queryItems } from "../../dynamodb/calls.ts";
import { all, Expression } from "../../dynamodb/expression.ts";
import type { ConfigSummary } from "../summary.ts";
import { type ConfigRow, SUMMARY, type SummaryRow, TableName } from "./row.ts";

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
  const row = new Expression<ConfigRow>();
  const isInProject = row.compare("project_id", "=", projectId);
  const rows = queryItems<SummaryRow>({
    TableName,
    ConsistentRead: true,
    ScanIndexForward: false,
    KeyConditionExpression:
      marker === undefined ? isInProject : all(isInProject, row.compare("id", "<", marker.toLowerCase())),
    ProjectionExpression: row.projection(SUMMARY),
    ...row.placeholders,
    Limit: firstQueryPage(limit),
  });
  for await (const { id, name = null, group = null, creation_time } of rows) {
    yield { id, name, group, creation_time };
  }
}
