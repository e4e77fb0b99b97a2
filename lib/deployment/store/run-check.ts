import type { SoftwareConfig } from "../../config/config.ts";
import { getConfigsForChecks } from "../../config/store/read.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import { type Checked, checkedRun } from "../runnable.ts";
import type { Outcome } from "../transitions.ts";

/** The context of a check. */
export interface CheckContext {
  projectId: string;
  /** Whether the request fails if its configurations cannot be read; otherwise it goes on unchecked. */
  isStrict: boolean;
  /** Tells the caller the warnings; throws `invalid` if the request is strict. */
  warn: (sentences: string[]) => void;
}

/**
 * Holds new deployments against their configurations, by at most one read.
 * @param isStatusGiven whether the request for the deployment at a place names a status
 * @returns the deployments, and all their warnings
 * @throws ServiceError `unavailable` if the request is strict and the configurations cannot be read
 */
export async function checkNewRuns(
  deployments: SoftwareDeployment[],
  isStatusGiven: (at: number) => boolean,
  context: CheckContext,
): Promise<{ deployments: SoftwareDeployment[]; warnings: string[] }> {
  const ids = deployments.map(({ config_id }) => config_id);
  const configs = await readConfigs(ids, context);
  if (!configs) return { deployments, warnings: [] };
  // Servers of one body share its values, which may have a megabyte.
  const known = new Map<string, { of: SoftwareDeployment; checked: Checked }>();
  const warnings: string[] = [];
  const checked = deployments.map((deployment, at) => {
    const { config_id, action, input_values } = deployment;
    const key = JSON.stringify([config_id, action, isStatusGiven(at)]);
    const last = known.get(key);
    if (last && last.of.input_values === input_values) return { ...deployment, ...changesIn(last) };
    const own = checkedRun(deployment, configs.get(config_id), isStatusGiven(at));
    known.set(key, { of: deployment, checked: own });
    warnings.push(...own.warnings);
    return own.deployment;
  });
  return { deployments: checked, warnings };
}

/**
 * The outcome of a transition, held against the configuration if a run begins in it.
 * @param isStatusGiven whether the request names a status
 * @throws ServiceError `invalid` if the request is strict and there are warnings, `unavailable` as above
 */
export async function checkOutcome(
  before: SoftwareDeployment,
  outcome: Outcome,
  isStatusGiven: boolean,
  context: CheckContext,
): Promise<Outcome> {
  const { after, event } = outcome;
  const begins = after.delivery !== before.delivery || after.attempt !== before.attempt;
  if (!begins || after.status !== "IN_PROGRESS") return outcome;
  const configs = await readConfigs([after.config_id], context);
  const isSameConfig = after.config_id === before.config_id;
  if (!configs)
    return { ...outcome, after: { ...after, isConfigMissing: isSameConfig && before.isConfigMissing } };
  const { deployment, warnings } = checkedRun(after, configs.get(after.config_id), isStatusGiven);
  context.warn(warnings);
  return { ...outcome, after: deployment, event: event && { ...event, status: deployment.status } };
}

/** The fields that a check has changed. */
function changesIn({
  of,
  checked,
}: {
  of: SoftwareDeployment;
  checked: Checked;
}): Partial<SoftwareDeployment> {
  const { status, status_reason, isConfigMissing } = checked.deployment;
  return { isConfigMissing, ...(status !== of.status && { status, status_reason }) };
}

/** The configurations by id; undefined if they could not be read. */
function readConfigs(
  ids: string[],
  { projectId, isStrict }: CheckContext,
): Promise<Map<string, SoftwareConfig> | undefined> {
  const configs = getConfigsForChecks(projectId, ids);
  return isStrict ? configs : configs.catch(() => undefined);
}
