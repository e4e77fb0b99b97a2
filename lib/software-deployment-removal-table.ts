import { softwareDeploymentsTable } from "./config.ts";
import { getRow, isRefused, rethrow } from "./dynamodb.ts";
import { deleteItem, putItem } from "./dynamodb-client.ts";
import { markRemoval } from "./server-table.ts";
import { etagOf, type SoftwareDeployment } from "./software-deployment.ts";
import { presentIn } from "./software-deployment-item.ts";
import { remainsOf } from "./software-deployment-lifetime-item.ts";
import { busy, notFound, TRIES } from "./software-deployment-table.ts";
import type { Circumstances } from "./software-deployment-update-item.ts";

const TableName = softwareDeploymentsTable();

/** Removes a row as it was read. @returns `changed` when it was that no more; `repeated` when that may be our doing */
const removeRow = async (
  current: SoftwareDeployment,
  now: Date,
): Promise<"removed" | "changed" | "repeated"> => {
  const { project_id, id, revision } = current;
  const Item = remainsOf(current, now);
  const condition = {
    TableName,
    ConditionExpression: "revision = :revision",
    ExpressionAttributeValues: { ":revision": revision },
  };
  const removal = Item
    ? putItem({ ...condition, Item })
    : deleteItem({ ...condition, Key: { project_id, id } });
  return removal.then(
    () => "removed",
    (error) => {
      if (!isRefused(error)) return rethrow(error);
      return error.$metadata.attempts === 1 ? "changed" : "repeated";
    },
  );
};

/**
 * Removes a deployment, and before that tells its server's collector that something changes. Where its creation may
 * still be repeated, its id stays taken until then.
 * @throws ServiceError `not_found`, `precondition_failed`, `unavailable`
 */
export const remove = async (
  projectId: string,
  id: string,
  { now, clock, expects }: Pick<Circumstances, "now" | "clock" | "expects">,
): Promise<void> => {
  let outcome: Awaited<ReturnType<typeof removeRow>> = "changed";
  for (let tries = 0; tries < TRIES; tries += 1) {
    const current = presentIn(await getRow(TableName, { project_id: projectId, id }), now);
    // The SDK repeats a removal whose answer was lost, and finds nothing left.
    if (!current && outcome === "repeated") return;
    if (!current) throw notFound(id);
    expects?.(etagOf(current, now));
    await markRemoval(projectId, current.server_id, clock());
    outcome = await removeRow(current, now);
    if (outcome === "removed") return;
  }
  throw busy();
};
