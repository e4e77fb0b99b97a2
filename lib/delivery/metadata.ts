import { LRUCache } from "lru-cache";
import * as z from "zod/mini";
import { ConfigView, configView, type SoftwareConfig } from "../config/config.ts";
import type { ConfigInput } from "../config/inputs-outputs.ts";
import type { DeliveredDeployment } from "../deployment/deployment.ts";
import { deliveryId, hasTimedOut } from "../deployment/run.ts";
import { asText } from "../json/exact-json.ts";
import { MetadataUrl } from "../server/server.ts";

/** The response that tells a server what to run. */
export const ServerMetadata = z.object({ metadata: z.array(ConfigView) });

/** The same for the server's agent, by its link: os-collect-config looks for these two. */
export const AgentMetadata = z.object({
  deployments: z.array(ConfigView),
  "os-collect-config": z.object({
    collectors: z.array(z.literal("request")),
    request: z.object({ metadata_url: MetadataUrl }),
  }),
});

/** How metadata are rendered. */
export interface RenderOptions {
  now: Date;
  /** Makes the signed link for a run's result; absent where the caller may not signal. */
  signalUrl?: ((deployment: DeliveredDeployment) => string) | undefined;
}

/** Ids of deliveries that were rendered lately: a server that polls is told the same ones again and again. */
const ids = new LRUCache<string, string, DeliveredDeployment>({
  max: 10_000,
  memoMethod: (_name, _stale, { context }) => deliveryId(context),
});

/** The input by which agents and clients recognize a configuration that was derived for a deployment. */
const SERVER_INPUT = "deploy_server_id";

/** The input that says how a result is sent. */
const TRANSPORT_INPUT = "deploy_signal_transport";

/**
 * Renders what a server is to run: each deployment's configuration, derived for it, by the configuration's name and
 * then by the deployment's creation. Deployments whose configuration
 * is not stored by this service are left out.
 * @param deployments of one server, by creation
 * @param configs by id
 */
export function renderMetadata(
  deployments: DeliveredDeployment[],
  configs: Map<string, SoftwareConfig>,
  options: RenderOptions,
): ConfigView[] {
  const rendered = deployments.flatMap((deployment) => {
    const config = configs.get(deployment.config_id);
    return config ? [{ name: config.name ?? "", view: derivedConfig(config, deployment, options) }] : [];
  });
  return rendered.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))).map(({ view }) => view);
}

/** A configuration as it goes out for one deployment: under the id of its delivery, every input with a value. */
function derivedConfig(
  config: SoftwareConfig,
  deployment: DeliveredDeployment,
  options: RenderOptions,
): ConfigView {
  const view = configView(config);
  const id = ids.memo(`${deployment.id} ${deployment.delivery}`, { context: deployment });
  const isDerived = view.inputs.some(({ name }) => name === SERVER_INPUT);
  if (!isDerived) return { ...view, id, inputs: derivedInputs(view, deployment, options) };
  // A client such as the openstack CLI has derived this one: it goes out as it is, until it is to be run once more.
  const own = { ...view, inputs: withSignal(view.inputs, deployment, options) };
  return deployment.reran ? { ...own, id } : own;
}

/** The declared inputs, then the other input values, then the service's own, which win over those of their names. */
function derivedInputs(
  { inputs, group }: ConfigView,
  deployment: DeliveredDeployment,
  options: RenderOptions,
): ConfigInput[] {
  const isScript = group === "script";
  const values = new Map(Object.entries(deployment.input_values ?? {}));
  const service = [
    stringInput(SERVER_INPUT, deployment.server_id),
    stringInput("deploy_action", deployment.action ?? ""),
    ...signalInputs(deployment, options),
  ];
  const ownNames = new Set(service.map(({ name }) => name));
  const declared = inputs.filter(({ name }) => !ownNames.has(name));
  const taken = new Set([...ownNames, ...declared.map(({ name }) => name)]);
  const undeclared = [...values].filter(([name]) => !taken.has(name));
  return [
    ...declared.map((input) => withValue(input, values, isScript)),
    ...undeclared.map(([name, value]) => stringInput(name, isScript ? (value ?? "") : value)),
    ...service,
  ];
}

/**
 * A declared input with its value: agents fail on one without.
 * @param asEnvironment the value is a text: the hook of scripts puts it into the environment, and dies of anything else
 */
function withValue(input: ConfigInput, values: Map<string, unknown>, asEnvironment: boolean): ConfigInput {
  const value = [values.get(input.name), input.value, input.default].find((one) => one !== undefined) ?? null;
  if (!asEnvironment) return { ...input, value };
  return { ...input, value: value === null ? "" : asText(value) };
}

/** The inputs of a client's own derived configuration; one that wants no signal gets one, as the service waits for it. */
function withSignal(
  inputs: ConfigInput[],
  deployment: DeliveredDeployment,
  options: RenderOptions,
): ConfigInput[] {
  const signal = signalInputs(deployment, options);
  const wantsNone = inputs.some(({ name, value }) => name === TRANSPORT_INPUT && value === "NO_SIGNAL");
  if (!wantsNone || signal.length === 0) return inputs;
  const names = signal.map(({ name }) => name);
  return [...inputs.filter(({ name }) => !names.includes(name)), ...signal];
}

/** Where the result of a run goes, while it is waited for, and the caller may signal it. */
function signalInputs(deployment: DeliveredDeployment, { now, signalUrl }: RenderOptions): ConfigInput[] {
  if (!signalUrl || deployment.status !== "IN_PROGRESS" || hasTimedOut(deployment, now)) return [];
  return [
    stringInput(TRANSPORT_INPUT, "TEMP_URL_SIGNAL"),
    stringInput("deploy_signal_id", signalUrl(deployment)),
    stringInput("deploy_signal_verb", "PUT"),
  ];
}

function stringInput(name: string, value: unknown): ConfigInput {
  return { name, type: "String", value: asText(value) };
}
