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

/** The most bytes of items in one transaction: DynamoDB's limit. */
const MAX_TRANSACTION_BYTES = 4_194_304;

/** The most writes and conditions in one transaction: DynamoDB's limit. */
const MAX_ACTIONS = 100;

/** The context of a create. */
export interface CreateContext {
  projectId: string;
  /** The id of the invocation, a UUID. */
  requestId: string;
  now: Date;
  /** The caller's key for the request; with one the request may be repeated. */
  idempotencyKey: string | undefined;
  /** The request's body. */
  request: unknown;
  /** Throws to reject the request before anything is written; not called for a repeat. */
  check: () => void;
}

/** The result of a create. */
export interface Created {
  deployments: SoftwareDeployment[];
  /** Whether it repeats an earlier request with the same idempotency key. */
  replayed: boolean;
  /** Whether this request has written the deployments, and not an earlier one. */
  isWriter: boolean;
}

/**
 * Stores new deployments, all of them or none: one conditional write, or one transaction for many. With an idempotency
 * key, the ids are first stored with the key, so that a repeat completes the same create wherever it was interrupted.
 * @param deployments with new ids; a repeat replaces these by the ids of the first request
 * @throws ServiceError `invalid` if they are too large or a configuration does not exist, `conflict` if the key belongs
 *   to another request or one of its deployments was deleted, `unavailable`, and every error of `check`
 */
export async function createDeployments(
  deployments: SoftwareDeployment[],
  context: CreateContext,
): Promise<Created> {
  if (context.idempotencyKey !== undefined)
    return createOnce(deployments, { ...context, key: context.idempotencyKey });
  const rows = encodeNew(deployments, context);
  context.check();
  await put(rows, context);
  return { deployments, replayed: false, isWriter: true };
}

async function createOnce(
  deployments: SoftwareDeployment[],
  context: CreateContext & { key: string },
): Promise<Created> {
  const { projectId, now } = context;
  const keyed = deployments.map((deployment) => ({ ...deployment, keyExpiresAt: keyExpiry(now) }));
  // Before the key is claimed: a request that is rejected must not use up its key.
  const rows = encodeNew(keyed, context);
  const check = async () => {
    context.check();
    if (!REFERENCES_ARE_CHECKED) return;
    conditionsOf(rows, context);
    await checkReferences(
      projectId,
      rows.map(({ config_id }) => config_id),
    );
  };
  const ids = keyed.map(({ id }) => id);
  const claim = await claimKey(context, ids, check);
  const existing = claim.replayed ? await findRows(claim, projectId) : [];
  const created =
    existing.length > 0
      ? { deployments: liveDeployments(claim, existing, now), isWriter: false }
      : await completeKeyedCreate(keyed, rows, claim, context);
  return { ...created, replayed: claim.replayed };
}

/** Writes the deployments of a claimed key, with the claim's ids and expiry. */
async function completeKeyedCreate(
  keyed: SoftwareDeployment[],
  rows: DeploymentRow[],
  claim: Claim,
  context: CreateContext,
): Promise<Omit<Created, "replayed">> {
  const deployments = claim.replayed
    ? keyed.map((deployment, at) => ({
        ...deployment,
        id: claim.ids[at] ?? deployment.id,
        keyExpiresAt: claim.expires,
      }))
    : keyed;
  if (await put(claim.replayed ? encodeNew(deployments, context) : rows, context))
    return { deployments, isWriter: true };
  const existing = await findRows(claim, context.projectId);
  return { deployments: liveDeployments(claim, existing, context.now), isWriter: false };
}

function findRows({ ids }: Claim, projectId: string): Promise<DeploymentRow[]> {
  const keys = ids.map((id) => ({ project_id: projectId, id }));
  return batchGet<DeploymentRow>(TableName, keys);
}

/** The deployments of a claimed key as they are now. @throws ServiceError `conflict` if one was deleted */
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
 * Puts new rows, all of them or none.
 * @returns whether they were put; false if they exist already
 * @throws ServiceError `invalid` if a configuration does not exist
 */
async function put(rows: DeploymentRow[], context: CreateContext): Promise<boolean> {
  const conditions = REFERENCES_ARE_CHECKED ? conditionsOf(rows, context) : [];
  const { written, failedCheck } = await putNew(TableName, rows, conditions);
  if (failedCheck) throw unknownReference(failedCheck.Key.id);
  return written;
}

/** The conditions that the configurations exist. @throws ServiceError `invalid` if they and the rows are too many */
function conditionsOf(rows: DeploymentRow[], { projectId, now }: CreateContext): ConditionCheck[] {
  const ids = rows.map(({ config_id }) => config_id);
  const conditions = referenceConditions(projectId, ids, now);
  if (rows.length + conditions.length <= MAX_ACTIONS) return conditions;
  throw new ServiceError(
    "invalid",
    `body: ${rows.length} deployments of ${conditions.length} configurations: together at most ${MAX_ACTIONS} are expected in one request`,
  );
}
