import { told } from "./server-lists.ts";
import { serverMetadata, type Telling } from "./server-metadata.ts";
import type { DeploymentState } from "./server-state.ts";
import { recordCollected } from "./server-table.ts";
import type { ShownConfig } from "./software-config.ts";
import { getMany } from "./software-config-table.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { allOf } from "./wire/page.ts";

const REMEDY = "delete deployments of this server that it no longer needs.";

/**
 * Makes what a server is told of its deployments.
 * @param states the server's deployments as the index knows them
 * @returns those of them that there is something to run for, and the configurations derived for them
 * @throws ServiceError `invalid` when that would not fit an answer, `unavailable`
 */
export const tell = async (
  projectId: string,
  states: DeploymentState[],
  telling: Telling,
): Promise<{ deployments: SoftwareDeployment[]; metadata: ShownConfig[] }> => {
  const rows = told(projectId, states, telling.now);
  const deployments = await allOf(rows, ({ input_values }) => input_values, REMEDY);
  const kept = await getMany(
    projectId,
    deployments.map(({ config_id }) => config_id),
  );
  const metadata = await allOf(serverMetadata(deployments, kept, telling), (config) => config, REMEDY);
  return { deployments: deployments.filter(({ config_id }) => kept.has(config_id)), metadata };
};

/**
 * Makes what a server is told by its link, and records what of it goes out for the first time.
 * @throws ServiceError as `tell` does
 */
export const collect = async (
  projectId: string,
  states: DeploymentState[],
  telling: Telling,
  requestId: string,
): Promise<ShownConfig[]> => {
  const { deployments, metadata } = await tell(projectId, states, telling);
  await recordCollected(deployments, requestId, telling.now);
  return metadata;
};
