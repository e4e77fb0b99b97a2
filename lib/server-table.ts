import { softwareDeploymentsTable } from "./config.ts";
import { hasTimedOut } from "./deployment-run.ts";
import { rethrow } from "./dynamodb.ts";
import { updateItem } from "./dynamodb-client.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { eventText, serverKey, serverRowId } from "./software-deployment-item.ts";
import { epoch, instant } from "./wire/instant.ts";

const TableName = softwareDeploymentsTable();

/** Sets one attribute of the row that keeps what belongs to a server itself. */
const markServer = async (
  projectId: string,
  serverId: string,
  name: string,
  value: number,
): Promise<void> => {
  await updateItem({
    TableName,
    Key: { project_id: projectId, id: serverRowId(serverId) },
    UpdateExpression: `SET server_key = :server, ${name} = :value`,
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId), ":value": value },
  }).catch(rethrow);
};

/** Ends the validity of a server's links that were made until now. @throws ServiceError `unavailable` */
export const revokeLinks = (projectId: string, serverId: string, now: Date): Promise<void> =>
  markServer(projectId, serverId, "links_from", now.getTime());

/**
 * Notes that a deployment of a server is about to go, which none of those left can tell once it is gone.
 * @throws ServiceError `unavailable`
 */
export const markRemoval = (projectId: string, serverId: string, now: Date): Promise<void> =>
  markServer(projectId, serverId, "changed", epoch(now));

/** How long a poll waits for what it collected to be recorded, in ms. */
const RECORD_TIMEOUT = 1_000;

const recordOne = async ({ project_id, id, delivery }: SoftwareDeployment, requestId: string, now: Date) => {
  const event = { at: epoch(now), event: "collected", by: "link", request_id: requestId } as const;
  const update = {
    TableName,
    Key: { project_id, id },
    UpdateExpression:
      "SET collected_time = :time, collected_delivery = :delivery," +
      " events = list_append(if_not_exists(events, :none), :events)",
    ConditionExpression:
      "delivery = :delivery AND (attribute_not_exists(collected_delivery) OR collected_delivery < :delivery)",
    ExpressionAttributeValues: {
      ":time": instant(now),
      ":delivery": delivery,
      ":none": [],
      ":events": [eventText(event)],
    },
  };
  // The server is answered all the same, and soon; the next poll of a changed server tries again.
  const abortSignal = AbortSignal.timeout(RECORD_TIMEOUT);
  await updateItem(update, { abortSignal }).catch(() => undefined);
};

/**
 * Records that a server collected deliveries, each for the first time: at most one write for each. Never fails. It is
 * no change of a deployment: neither its time nor its revision move.
 */
export const recordCollected = async (
  deployments: SoftwareDeployment[],
  requestId: string,
  now: Date,
): Promise<void> => {
  // What ran into its time limit before has failed because nobody collected it; that stays so.
  const fresh = deployments.filter(
    (deployment) => deployment.collected_time === null && !hasTimedOut(deployment, now),
  );
  await Promise.all(fresh.map((deployment) => recordOne(deployment, requestId, now)));
};
