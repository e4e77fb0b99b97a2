import {
  checkReferences,
  REFERENCES_ARE_CHECKED,
  referenceConditions,
  unknownReference,
} from "../../config/store/references.ts";
import { batchGet, type ConditionCheck, putNew } from "../../dynamodb/calls.ts";
import { bytesOf } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { type Claim, claimKey, keyExpiry } from "./idempotency.ts";
import { type DeploymentRow, decode, encode, isLive, TableName } from "./row.ts";

/** The most that DynamoDB takes in one transaction, in bytes. */
const MAX_TRANSACTION_BYTES = 4_194_304;

/** The most writes and conditions of one transaction. */
const MAX_ACTIONS = 100;

/** The request in which deployments are created. */
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
 * @param deployments under ids that become theirs if the request is the first
 * @throws ServiceError `invalid` when they are too large or refer to a configuration that is not there, `conflict`
 *   when the key stands for another request or one of what it made was deleted, `unavailable`
 */
export async function createDeployments(
  deployments: SoftwareDeployment[],
  context: CreateContext,
): Promise<Created> {
  if (context.idempotencyKey !== undefined)
    return createOnce(deployments, { ...context, key: context.idempotencyKey });
  await put(encodeNew(deployments, context), context);
  return { deployments, replayed: false, isWriter: true };
}

/** Creates deployments under an idempotency key, or finds those that an earlier request created. */
async function createOnce(
  deployments: SoftwareDeployment[],
  context: CreateContext & { key: string },
): Promise<Created> {
  const { projectId, now } = context;
  const wanted = deployments.map((one) => ({ ...one, keyExpiresAt: keyExpiry(now) }));
  // Before the key is claimed, so that a request that is refused uses up no key.
  const rows = encodeNew(wanted, context);
  const check = async () => {
    if (!REFERENCES_ARE_CHECKED) return;
    conditionsOf(rows, context);
    await checkReferences(
      projectId,
      rows.map(({ config_id }) => config_id),
    );
  };
  const ids = wanted.map(({ id }) => id);
  const claim = await claimKey(context, ids, check);
  const found = claim.replayed ? await findRows(claim, projectId) : [];
  const created =
    found.length > 0
      ? { deployments: liveDeployments(claim, found, now), isWriter: false }
      : await finish(wanted, rows, claim, context);
  return { ...created, replayed: claim.replayed };
}

/** Writes the rows that a key stands for, under the ids and with the end that it names. */
async function finish(
  wanted: SoftwareDeployment[],
  rows: DeploymentRow[],
  claim: Claim,
  context: CreateContext,
): Promise<Omit<Created, "replayed">> {
  const deployments = claim.replayed
    ? wanted.map((one, at) => ({ ...one, id: claim.ids[at] ?? one.id, keyExpiresAt: claim.expires }))
    : wanted;
  if (await put(claim.replayed ? encodeNew(deployments, context) : rows, context))
    return { deployments, isWriter: true };
  const found = await findRows(claim, context.projectId);
  return { deployments: liveDeployments(claim, found, context.now), isWriter: false };
}

function findRows({ ids }: Claim, projectId: string): Promise<DeploymentRow[]> {
  const keys = ids.map((id) => ({ project_id: projectId, id }));
  return batchGet<DeploymentRow>(TableName, keys);
}

/** The deployments that a key stands for, as they are now. @throws ServiceError `conflict` when one is gone */
function liveDeployments({ ids }: Claim, rows: DeploymentRow[], now: Date): SoftwareDeployment[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = byId.get(id);
    if (row && isLive(row, now)) return decode(row);
    throw new ServiceError(
      "conflict",
      `Idempotency-Key: the deployment with id ${id} that the request made was deleted`,
    );
  });
}

function encodeNew(deployments: SoftwareDeployment[], { requestId }: CreateContext): DeploymentRow[] {
  const rows = deployments.map((deployment) => {
    const { startedAt: at, status } = deployment;
    return encode(deployment, [{ at, event: "created", by: "user", request_id: requestId, status }]);
  });
  // A single row cannot reach the limit.
  if (rows.length === 1) return rows;
  const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
  if (bytes <= MAX_TRANSACTION_BYTES) return rows;
  throw new ServiceError(
    "invalid",
    `body: too large: the deployments take ${bytes} bytes together, at most ${MAX_TRANSACTION_BYTES} can be stored at once`,
  );
}

/**
 * Puts rows under new ids, all of them or none.
 * @returns whether they were put; not where they are there already
 * @throws ServiceError `invalid` where a configuration that they refer to is not there
 */
async function put(rows: DeploymentRow[], context: CreateContext): Promise<boolean> {
  const conditions = REFERENCES_ARE_CHECKED ? conditionsOf(rows, context) : [];
  const { written, failedCheck } = await putNew(TableName, rows, conditions);
  if (failedCheck) throw unknownReference(failedCheck.Key.id);
  return written;
}

/** The conditions that the configurations exist; a transaction takes only so many, and the rows. */
function conditionsOf(rows: DeploymentRow[], { projectId, now }: CreateContext): ConditionCheck[] {
  const ids = rows.map(({ config_id }) => config_id);
  const conditions = referenceConditions(projectId, ids, now);
  if (rows.length + conditions.length <= MAX_ACTIONS) return conditions;
  throw new ServiceError(
    "invalid",
    `body: ${rows.length} deployments of ${conditions.length} configurations: together at most ${MAX_ACTIONS} are expected in one request`,
  );
}
