import { serverMetadata, type Telling } from "./server-metadata.ts";
import type { ShownConfig } from "./software-config.ts";
import { getMany } from "./software-config-table.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { listByServer } from "./software-deployment-lists.ts";
import { allOf } from "./wire/page.ts";

const REMEDY = "delete deployments of this server that it no longer needs.";

/**
 * Reads what a server is to run.
 * @param telling.delegate the delegated tenant's project, when the caller is one
 * @returns the server's deployments that there is something to run for, and the configurations derived for them
 * @throws ServiceError `invalid` when that would not fit an answer, `unavailable`
 */
export const tell = async (
  projectId: string,
  serverId: string,
  telling: Telling & { delegate?: string | undefined },
): Promise<{ deployments: SoftwareDeployment[]; metadata: ShownConfig[] }> => {
  const rows = listByServer(projectId, serverId, { delegate: telling.delegate, told: true });
  const deployments = await allOf(rows, ({ input_values }) => input_values, REMEDY);
  const kept = await getMany(
    projectId,
    deployments.map(({ config_id }) => config_id),
  );
  const metadata = await allOf(serverMetadata(deployments, kept, telling), (config) => config, REMEDY);
  return { deployments: deployments.filter(({ config_id }) => kept.has(config_id)), metadata };
};
