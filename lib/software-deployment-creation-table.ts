import { softwareDeploymentsTable } from "./config.ts";
import { batchGet, type Item, putNew } from "./dynamodb.ts";
import { ServiceError } from "./errors.ts";
import { type Claim, claim, keyExpiry } from "./idempotency-table.ts";
import { checkReferences } from "./software-config-table.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { itemOf, presentIn } from "./software-deployment-item.ts";
import { bytesOf } from "./stored-json.ts";
import { allOf } from "./wire/page.ts";

const TableName = softwareDeploymentsTable();

/** What DynamoDB takes in one transaction, in bytes. */
const MAX_TRANSACTION_BYTES = 4_194_304;

/** Who creates deployments, when, and whether the request may come more than once. */
export interface Creation {
  projectId: string;
  requestId: string;
  now: Date;
  /** The caller's name for the request, and the request. */
  key: string | undefined;
  request: unknown;
}

/** Deployments that a request made, and whether it came before. */
export interface Created {
  deployments: SoftwareDeployment[];
  replayed: boolean;
}

/** Refuses what could be stored, but not answered: a value that is sent once comes back with every deployment. */
const checkAnswer = async (deployments: SoftwareDeployment[], remedy: string): Promise<void> => {
  if (deployments.length > 1) await allOf(deployments, (deployment) => deployment, remedy);
};

const itemsOf = (deployments: SoftwareDeployment[], requestId: string): Item[] => {
  const items = deployments.map((deployment) => {
    const { begun: at, status } = deployment;
    return itemOf(deployment, { at, event: "created", by: "user", request_id: requestId, status });
  });
  // One item is far from it, and is held against the limit of an item as it is made.
  if (items.length === 1) return items;
  const bytes = items.reduce((sum, item) => sum + bytesOf(item), 0);
  if (bytes <= MAX_TRANSACTION_BYTES) return items;
  throw new ServiceError(
    "invalid",
    `body: too large: the deployments take ${bytes} bytes together, at most ${MAX_TRANSACTION_BYTES} can be stored at once`,
  );
};

/** What is there now of deployments that a request has made. @throws ServiceError `conflict` when one is gone */
const present = (ids: string[], items: Item[], now: Date): SoftwareDeployment[] => {
  const byId = new Map(items.map((item) => [item.id, item]));
  return ids.map((id) => {
    const deployment = presentIn(byId.get(id), now);
    if (deployment) return deployment;
    throw new ServiceError(
      "conflict",
      `Idempotency-Key: the deployment with id ${id} that the request made was deleted`,
    );
  });
};

/** Finishes what the first request under a key began, or finds it finished. */
const finish = async (
  wanted: SoftwareDeployment[],
  items: Item[],
  { ids, expires: key_expires, replayed }: Claim,
  { projectId, now }: Creation,
): Promise<SoftwareDeployment[]> => {
  const keys = ids.map((id) => ({ project_id: projectId, id }));
  const found = replayed ? await batchGet(TableName, keys) : [];
  if (found.length > 0) return present(ids, found, now);
  const rows = items.map((item, at) => ({ ...item, ...keys[at], key_expires }));
  if (await putNew(TableName, rows)) {
    return wanted.map((deployment, at) => ({ ...deployment, ...keys[at], key_expires }));
  }
  return present(ids, await batchGet(TableName, keys), now);
};

/**
 * Stores new deployments, all of them or none. Without a key that is one conditional write, or one transaction for
 * many. Under a key the ids are written with the key first, so that whoever repeats the request finishes the same
 * work, wherever it was broken off.
 * @param wanted the deployments under ids that are theirs if the request is the first
 * @throws ServiceError `invalid` when they are too large or refer to what is not there, `conflict` when the key stands
 *   for another request or what it made was deleted, `unavailable`
 */
export const create = async (wanted: SoftwareDeployment[], creation: Creation): Promise<Created> => {
  const { projectId, requestId, now, key, request } = creation;
  await checkAnswer(wanted, "create fewer at a time.");
  const check = () => checkReferences(projectId, ...wanted.map(({ config_id }) => config_id));
  const key_expires = key === undefined ? null : keyExpiry(now);
  const items = itemsOf(
    wanted.map((deployment) => ({ ...deployment, key_expires })),
    requestId,
  );
  if (key === undefined) {
    await check();
    await putNew(TableName, items);
    return { deployments: wanted, replayed: false };
  }
  const own = wanted.map(({ id }) => id);
  const claimed = await claim({ projectId, key, request, now }, own, check);
  const deployments = await finish(wanted, items, claimed, creation);
  await checkAnswer(
    deployments,
    "it was carried out before, and has grown since: read the deployments one by one.",
  );
  return { deployments, replayed: claimed.replayed };
};
