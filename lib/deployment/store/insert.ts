import { checkReferences, referenceConditions, unknownReference } from "../../config/store/references.ts";
import { batchGet, type ConditionCheck, type Item, putNew } from "../../dynamodb/calls.ts";
import { type Attributes, bytesOf } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import { collectWithinLimit } from "../../limits/response-size.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { type Claim, claimKey, keyExpiry } from "./idempotency.ts";
import { itemOf, liveDeployment, TableName } from "./row.ts";

/** The most that DynamoDB takes in one transaction, in bytes. */
const MAX_TRANSACTION_BYTES = 4_194_304;

/** The most writes and conditions of one transaction. */
const MAX_ACTIONS = 100;

/** In which request deployments are created. */
export interface CreateContext {
  projectId: string;
  /** The id of the invocation, a UUID. */
  requestId: string;
  now: Date;
  /** The caller's name for the request, which then may come more than once. */
  idempotencyKey: string | undefined;
  /** The request's body. */
  request: unknown;
}

/** The deployments that a request made. */
export interface Created {
  deployments: SoftwareDeployment[];
  /** Whether the request came before, under the same idempotency key. */
  replayed: boolean;
  /** Whether this request has written them, and not one before it. */
  isWriter: boolean;
}

/**
 * Stores new deployments, all of them or none. Without an idempotency key that is one conditional write, or one
 * transaction for many. Under a key the ids are written with the key first, so that whoever repeats the request
 * finishes the same work, wherever it was broken off.
 * @param wanted the deployments, under ids that become theirs if the request is the first
 * @throws ServiceError `invalid` when they are too large or refer to a configuration that is not there, `conflict`
 *   when the key stands for another request or one of what it made was deleted, `unavailable`
 */
export async function createDeployments(
  wanted: SoftwareDeployment[],
  context: CreateContext,
): Promise<Created> {
  const { projectId, requestId, now, idempotencyKey: key, request } = context;
  await checkResponse(wanted, "create fewer at a time.");
  const configIds = wanted.map(({ config_id }) => config_id);
  const conditions = () => {
    const checks = referenceConditions(projectId, configIds, now);
    checkActions(wanted.length, checks.length);
    return checks;
  };
  const keyExpiresAt = key === undefined ? null : keyExpiry(now);
  const items = itemsOf(
    wanted.map((deployment) => ({ ...deployment, keyExpiresAt })),
    requestId,
  );
  if (key === undefined) {
    await put(items, conditions());
    return { deployments: wanted, replayed: false, isWriter: true };
  }
  const own = wanted.map(({ id }) => id);
  // Before the key is claimed, so that a request that is refused uses up no key.
  const check = async () => {
    conditions();
    await checkReferences(projectId, ...configIds);
  };
  const claim = await claimKey({ projectId, key, request, now }, own, check);
  const finished = await finish(wanted, items, conditions, claim, context);
  await checkResponse(
    finished.deployments,
    "it was carried out before, and has grown since: read the deployments one by one.",
  );
  return { ...finished, replayed: claim.replayed };
}

/** Refuses what could be stored, but not answered: a value that is sent once comes back with every deployment. */
async function checkResponse(deployments: SoftwareDeployment[], remedy: string): Promise<void> {
  if (deployments.length > 1) await collectWithinLimit(deployments, (deployment) => deployment, remedy);
}

function itemsOf(deployments: SoftwareDeployment[], requestId: string): Attributes[] {
  const items = deployments.map((deployment) => {
    const { startedAt: at, status } = deployment;
    return itemOf(deployment, { at, event: "created", by: "user", request_id: requestId, status });
  });
  // A single item cannot reach the limit.
  if (items.length === 1) return items;
  const bytes = items.reduce((sum, item) => sum + bytesOf(item), 0);
  if (bytes <= MAX_TRANSACTION_BYTES) return items;
  throw new ServiceError(
    "invalid",
    `body: too large: the deployments take ${bytes} bytes together, at most ${MAX_TRANSACTION_BYTES} can be stored at once`,
  );
}

/** Refuses more than one transaction takes: the deployments, and a condition for each configuration. */
function checkActions(deployments: number, configs: number): void {
  if (configs === 0 || deployments + configs <= MAX_ACTIONS) return;
  throw new ServiceError(
    "invalid",
    `body: ${deployments} deployments of ${configs} configurations: together at most ${MAX_ACTIONS} are expected in one request`,
  );
}

/**
 * @returns whether the items were put; not where they are there already
 * @throws ServiceError `invalid` where a configuration that they refer to is not there
 */
async function put(items: Item[], conditions: ConditionCheck[]): Promise<boolean> {
  const { written, failedCheck } = await putNew(TableName, items, conditions);
  if (failedCheck) throw unknownReference(failedCheck.Key.id);
  return written;
}

/** Finishes what the first request under a key began, or finds it finished. */
async function finish(
  wanted: SoftwareDeployment[],
  items: Item[],
  conditions: () => ConditionCheck[],
  { ids, expires, replayed }: Claim,
  { projectId, now }: CreateContext,
): Promise<Omit<Created, "replayed">> {
  const keys = ids.map((id) => ({ project_id: projectId, id }));
  const found = replayed ? await batchGet(TableName, keys) : [];
  if (found.length > 0) return { deployments: liveDeployments(ids, found, now), isWriter: false };
  const rows = items.map((item, at) => ({ ...item, ...keys[at], key_expires: expires }));
  if (await put(rows, conditions())) {
    const deployments = wanted.map((one, at) => ({ ...one, ...keys[at], keyExpiresAt: expires }));
    return { deployments, isWriter: true };
  }
  return { deployments: liveDeployments(ids, await batchGet(TableName, keys), now), isWriter: false };
}

/** The deployments that a request has made, as they are now. @throws ServiceError `conflict` when one is gone */
function liveDeployments(ids: string[], items: Item[], now: Date): SoftwareDeployment[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  return ids.map((id) => {
    const deployment = liveDeployment(byId.get(id), now);
    if (deployment) return deployment;
    throw new ServiceError(
      "conflict",
      `Idempotency-Key: the deployment with id ${id} that the request made was deleted`,
    );
  });
}
