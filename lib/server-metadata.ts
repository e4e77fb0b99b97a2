import * as z from "zod/mini";
import { asOf, deliveryId } from "./deployment-run.ts";
import {
  type ShownConfig,
  ShownConfig as ShownConfigShape,
  type SoftwareConfig,
  shownConfig,
} from "./software-config.ts";
import type { ConfigInput } from "./software-config-io.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";

/** The answer that tells a server's agent what to run. */
export const AgentMetadata = z.object({ deployments: z.array(ShownConfigShape) });

/** The answer that tells a server what to run. */
export const ServerMetadata = z.object({ metadata: z.array(ShownConfigShape) });

/** How a server is told what to run. */
export interface Telling {
  /** How UTC is marked at the end of a time. */
  zone: string;
  now: Date;
  /** Where a run's result goes, for a caller who may signal it. */
  signalUrl?: ((deployment: SoftwareDeployment) => string) | undefined;
}

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
const serviceInputs = (deployment: SoftwareDeployment, { now, signalUrl }: Telling): ConfigInput[] => [
  stringInput(SERVER_INPUT, deployment.server_id),
  stringInput("deploy_action", deployment.action ?? ""),
  ...(signalUrl && asOf(deployment, now).status === "IN_PROGRESS"
    ? [
        stringInput("deploy_signal_transport", "TEMP_URL_SIGNAL"),
        stringInput("deploy_signal_id", signalUrl(deployment)),
        stringInput("deploy_signal_verb", "PUT"),
      ]
    : []),
];

const derivedInputs = (
  config: SoftwareConfig,
  deployment: SoftwareDeployment,
  telling: Telling,
): ConfigInput[] => {
  const values = new Map(Object.entries(deployment.input_values ?? {}));
  const service = serviceInputs(deployment, telling);
  const taken = new Set([...config.inputs, ...service].map(({ name }) => name));
  const undeclared = [...values].filter(([name]) => !taken.has(name));
  const declared = config.inputs.filter(({ name }) => !service.some((input) => input.name === name));
  return [
    ...declared.map((input) => declaredInput(input, values)),
    ...undeclared.map(([name, value]) => stringInput(name, value)),
    ...service,
  ];
};

const derived = (config: SoftwareConfig, deployment: SoftwareDeployment, telling: Telling): ShownConfig => {
  const shown = shownConfig(config, telling.zone);
  const id = deliveryId(deployment);
  const isDerived = config.inputs.some(({ name }) => name === SERVER_INPUT);
  if (!isDerived) return { ...shown, id, inputs: derivedInputs(config, deployment, telling) };
  // A client such as the openstack CLI has derived this one: it goes out as it is, until it is to be run once more.
  return deployment.reran ? { ...shown, id } : shown;
};

/**
 * What a server is to run: each deployment's configuration, derived for it, by the configuration's name and
 * then by the deployment's creation. Deployments whose configuration is not kept here are left out.
 * @param deployments of one server, by creation
 * @param configs by id
 */
export const serverMetadata = (
  deployments: SoftwareDeployment[],
  configs: Map<string, SoftwareConfig>,
  telling: Telling,
): ShownConfig[] => {
  const found = deployments.flatMap((deployment) => {
    const config = configs.get(deployment.config_id);
    return config ? [{ name: config.name ?? "", shown: derived(config, deployment, telling) }] : [];
  });
  return found.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))).map(({ shown }) => shown);
};
