import { LRUCache } from "lru-cache";
import * as z from "zod/mini";
import { ConfigView, configView, type SoftwareConfig } from "../config/config.ts";
import type { ConfigInput } from "../config/inputs-outputs.ts";
import type { DeliveredDeployment } from "../deployment/deployment.ts";
import { deliveryId, hasTimedOut } from "../deployment/run.ts";
import { asPlainText, type JsonValue, membersOf, valueIn } from "../json/json-text.ts";
import { MetadataUrl } from "../server/server.ts";

/** The response with a server's metadata, for a caller with a token. */
export const ServerMetadata = z.object({ metadata: z.array(ConfigView) });

/** The response with a server's metadata for its agent: os-collect-config reads these two keys. */
export const AgentMetadata = z.object({
  deployments: z.array(ConfigView),
  "os-collect-config": z.object({
    collectors: z.array(z.literal("request")),
    request: z.object({ metadata_url: MetadataUrl }),
  }),
});

/** The options of rendering. */
export interface RenderOptions {
  now: Date;
  /** Makes the signed link for a run's result; absent if the caller may not signal. */
  signalUrl?: ((deployment: DeliveredDeployment) => string) | undefined;
}

/** A cache of delivery ids: every poll of a server needs the same ones. */
const ids = new LRUCache<string, string, DeliveredDeployment>({
  max: 10_000,
  memoMethod: (_name, _stale, { context }) => deliveryId(context),
});

/** The input by which agents and clients recognize a configuration that was derived for a deployment. */
const SERVER_INPUT = "deploy_server_id";

/** The input with the way in which a result is sent. */
const TRANSPORT_INPUT = "deploy_signal_transport";

/**
 * The metadata of a server: one derived configuration for each deployment, sorted by the configuration's name, then by
 * the deployment's creation. Deployments whose configuration this service does not store are left out.
 * @param deployments those of one server, by creation
 * @param configs the configurations by id
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

/** A configuration derived for one deployment: the delivery's id, and a value for every input. */
function derivedConfig(
  config: SoftwareConfig,
  deployment: DeliveredDeployment,
  options: RenderOptions,
): ConfigView {
  const view = configView(config);
  const id = ids.memo(`${deployment.id} ${deployment.delivery}`, { context: deployment });
  const isDerived = view.inputs.some(({ name }) => name === SERVER_INPUT);
  if (!isDerived) return { ...view, id, inputs: derivedInputs(view, deployment, options) };
  // A client such as the openstack CLI derived it: its id stays until a rerun, which needs a new one.
  const derived = { ...view, inputs: withSignal(view.inputs, deployment, options) };
  return deployment.reran ? { ...derived, id } : derived;
}

/** The declared inputs, then other input values, then the service's inputs, which replace others of the same name. */
function derivedInputs(
  { inputs, group }: ConfigView,
  deployment: DeliveredDeployment,
  options: RenderOptions,
): ConfigInput[] {
  const isScript = group === "script";
  const values = membersOf(deployment.input_values?.text ?? "{}");
  const service = [
    stringInput(SERVER_INPUT, deployment.server_id),
    stringInput("deploy_action", deployment.action ?? ""),
    ...signalInputs(deployment, options),
  ];
  const serviceNames = new Set(service.map(({ name }) => name));
  const declared = inputs.filter(({ name }) => !serviceNames.has(name));
  const taken = new Set([...serviceNames, ...declared.map(({ name }) => name)]);
  const undeclared = [...values].filter(([name]) => !taken.has(name));
  return [
    ...declared.map((input) => withValue(input, values, isScript)),
    ...undeclared.map(([name, text]) => stringInput(name, isScript && text === "null" ? "" : valueIn(text))),
    ...service,
  ];
}

/**
 * A declared input with a value, since agents fail on inputs without one.
 * @param asEnvironment makes the value a text: the hook for scripts puts it into the environment and fails on other
 *   types
 */
function withValue(input: ConfigInput, values: Map<string, string>, asEnvironment: boolean): ConfigInput {
  const text = values.get(input.name);
  const declared = input.value === undefined ? input.default : input.value;
  const value = (text === undefined ? declared : valueIn(text)) ?? null;
  if (!asEnvironment) return { ...input, value };
  return { ...input, value: value === null ? "" : asPlainText(value) };
}

/**
 * The inputs of a configuration that a client derived. `NO_SIGNAL` is replaced, since the service waits for a result.
 */
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

/** The inputs with the signed link for the result; none if the run has ended or the caller may not signal. */
function signalInputs(deployment: DeliveredDeployment, { now, signalUrl }: RenderOptions): ConfigInput[] {
  if (!signalUrl || deployment.status !== "IN_PROGRESS" || hasTimedOut(deployment, now)) return [];
  return [
    stringInput(TRANSPORT_INPUT, "TEMP_URL_SIGNAL"),
    stringInput("deploy_signal_id", signalUrl(deployment)),
    stringInput("deploy_signal_verb", "PUT"),
  ];
}

function stringInput(name: string, value: JsonValue): ConfigInput {
  return { name, type: "String", value: asPlainText(value) };
}
