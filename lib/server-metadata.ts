import * as z from "zod/mini";
import {
  type ShownConfig,
  ShownConfig as ShownConfigShape,
  type SoftwareConfig,
  shownConfig,
} from "./software-config.ts";
import type { ConfigInput } from "./software-config-io.ts";
import { deliveryId, type SoftwareDeployment } from "./software-deployment.ts";

/** The answer that tells a server what to run. */
export const ServerMetadata = z.object({ metadata: z.array(ShownConfigShape) });

/** By this input agents and clients know a configuration that was derived for a deployment. */
const SERVER_INPUT = "deploy_server_id";

const stringInput = (name: string, value: unknown): ConfigInput => ({
  name,
  type: "String",
  value: typeof value === "string" ? value : JSON.stringify(value),
});

const declaredInput = (input: ConfigInput, values: Map<string, unknown>): ConfigInput => {
  const own = [values.get(input.name), input.value, input.default].find((value) => value !== undefined);
  return { ...input, value: own ?? null };
};

/** What the service itself tells the agent, whatever the caller gave under these names. */
const serviceInputs = (deployment: SoftwareDeployment): ConfigInput[] => [
  stringInput(SERVER_INPUT, deployment.server_id),
  stringInput("deploy_action", deployment.action ?? ""),
];

const derivedInputs = (config: SoftwareConfig, deployment: SoftwareDeployment): ConfigInput[] => {
  const values = new Map(Object.entries(deployment.input_values ?? {}));
  const service = serviceInputs(deployment);
  const taken = new Set([...config.inputs, ...service].map(({ name }) => name));
  const undeclared = [...values].filter(([name]) => !taken.has(name));
  const declared = config.inputs.filter(({ name }) => !service.some((input) => input.name === name));
  return [
    ...declared.map((input) => declaredInput(input, values)),
    ...undeclared.map(([name, value]) => stringInput(name, value)),
    ...service,
  ];
};

const derived = (config: SoftwareConfig, deployment: SoftwareDeployment, zone: string): ShownConfig => {
  const shown = shownConfig(config, zone);
  // A client such as the openstack CLI has derived this one: it goes out as it is.
  if (config.inputs.some(({ name }) => name === SERVER_INPUT)) return shown;
  return { ...shown, id: deliveryId(deployment), inputs: derivedInputs(config, deployment) };
};

/**
 * What a server is to run: each deployment's configuration, derived for it, by the configuration's name and
 * then by the deployment's creation. Deployments whose configuration is not kept here are left out.
 * @param deployments of one server, by creation
 * @param configs by id
 * @param zone how UTC is marked at the end of a time
 */
export const serverMetadata = (
  deployments: SoftwareDeployment[],
  configs: Map<string, SoftwareConfig>,
  zone: string,
): ShownConfig[] => {
  const found = deployments.flatMap((deployment) => {
    const config = configs.get(deployment.config_id);
    return config ? [{ name: config.name ?? "", shown: derived(config, deployment, zone) }] : [];
  });
  return found.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))).map(({ shown }) => shown);
};
