import { serverMetadata, type Telling } from "./server-metadata.ts";
import type { ServerState } from "./server-state.ts";
import { recordCollected } from "./server-table.ts";
import type { ShownConfig } from "./software-config.ts";
import { getMany } from "./software-config-table.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { told } from "./software-deployment-lists.ts";
import { allOf } from "./wire/page.ts";

const REMEDY = "delete deployments of this server that it no longer needs.";

/**
 * Makes what a server is told of its deployments.
 * @param rows the server's deployments, by creation
 * @returns those of them that there is something to run for, and the configurations derived for them
 * @throws ServiceError `invalid` when that would not fit an answer, `unavailable`
 */
export const tell = async (
  projectId: string,
  rows: AsyncIterable<SoftwareDeployment>,
  telling: Telling,
): Promise<{ deployments: SoftwareDeployment[]; metadata: ShownConfig[] }> => {
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
 * @param state the server's deployments as the index knows them
 * @throws ServiceError as `tell` does
 */
export const collect = async (
  projectId: string,
  state: ServerState,
  telling: Telling,
  requestId: string,
): Promise<ShownConfig[]> => {
  const { deployments, metadata } = await tell(projectId, told(projectId, state.deployments), telling);
  await recordCollected(deployments, requestId, telling.now);
  return metadata;
};
