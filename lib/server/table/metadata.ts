import type { ConfigView } from "../../config/config.ts";
import { getConfigs } from "../../config/table/read.ts";
import type { SoftwareDeployment } from "../../deployment/deployment.ts";
import { recordCollected } from "../../deployment/table/collect.ts";
import { liveDeployment, METADATA_ATTRIBUTES } from "../../deployment/table/item.ts";
import { readItems } from "../../deployment/table/read.ts";
import { collectWithinLimit } from "../../wire/response-size.ts";
import { type RenderOptions, renderMetadata } from "../metadata.ts";
import type { DeploymentState } from "../state.ts";

const REMEDY = "delete deployments of this server that it no longer needs.";

/** What a server is told, and the deployments that it is told of. */
interface Rendered {
  deployments: SoftwareDeployment[];
  metadata: ConfigView[];
}

/**
 * Reads a server's deployments and their configurations, and renders its metadata.
 * @param states the server's deployments as the index knows them
 * @throws ServiceError `invalid` when the metadata would not fit a response, `unavailable`
 */
export async function readMetadata(
  projectId: string,
  states: DeploymentState[],
  options: RenderOptions,
): Promise<ConfigView[]> {
  return (await render(projectId, states, options)).metadata;
}

/**
 * The same for the server's agent: records what goes out for the first time as collected.
 * @throws ServiceError as `readMetadata` does
 */
export async function collectMetadata(
  projectId: string,
  states: DeploymentState[],
  options: RenderOptions,
  requestId: string,
): Promise<ConfigView[]> {
  const { deployments, metadata } = await render(projectId, states, options);
  await recordCollected(deployments, requestId, options.now);
  return metadata;
}

async function render(
  projectId: string,
  states: DeploymentState[],
  options: RenderOptions,
): Promise<Rendered> {
  const rows = readDeployments(projectId, states, options.now);
  const deployments = await collectWithinLimit(rows, ({ input_values }) => input_values, REMEDY);
  const configs = await getConfigs(
    projectId,
    deployments.map(({ config_id }) => config_id),
  );
  const metadata = await collectWithinLimit(
    renderMetadata(deployments, configs, options),
    (config) => config,
    REMEDY,
  );
  return { deployments: deployments.filter(({ config_id }) => configs.has(config_id)), metadata };
}

/** One at a time: values inflate to many times what is stored. */
async function* readDeployments(
  projectId: string,
  states: DeploymentState[],
  now: Date,
): AsyncGenerator<SoftwareDeployment> {
  for await (const item of readItems(projectId, states, METADATA_ATTRIBUTES)) {
    const deployment = liveDeployment(item, now);
    if (deployment) yield deployment;
  }
}
