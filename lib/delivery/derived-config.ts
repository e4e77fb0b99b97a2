import { LRUCache } from "lru-cache";
import { scriptFor } from "../config/component.ts";
import { type ConfigView, configView, type SoftwareConfig } from "../config/config.ts";
import type { ConfigInput } from "../config/inputs-outputs.ts";
import type { DeliveredDeployment } from "../deployment/deployment.ts";
import { deliveryId, hasTimedOut } from "../deployment/run.ts";
import { asPlainText, type JsonValue, membersOf, valueIn, writeJson } from "../json/json-text.ts";
import { MAX_BYTES_PER_CHARACTER } from "../limits/response-size.ts";
import { type InputText, isStructured, replacedLength, withInputsReplaced } from "./get-input.ts";

/** A deployment and the configuration that it runs. */
export interface Deliverable {
  deployment: DeliveredDeployment;
  config: SoftwareConfig;
}

/** A delivery as it goes out: a deployment, and its derived configuration. */
export interface Delivery {
  deployment: DeliveredDeployment;
  view: ConfigView;
}

/** A derived configuration before it is rendered: inputs that it repeats may make it far larger than what is stored. */
export interface Derivation {
  deployment: DeliveredDeployment;
  /** The characters of its configuration and values, at least. */
  length: number;
  /** The most bytes of a response that it takes. */
  maxBytes: number;
  render: () => ConfigView;
}

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

/** The input with the deployment's action. */
const ACTION_INPUT = "deploy_action";

/** The hooks that put inputs into the environment, and fail on values that are no texts. */
const ENVIRONMENT_HOOKS = ["script", "puppet"];

/** The most bytes of a response that an input takes without its value, and that the service's inputs take. */
const INPUT_BYTES = 200;
const SERVICE_BYTES = 8_000;

/** The length of the shortest member in a JSON text, in characters. */
const SHORTEST_VALUE = 5;

/**
 * The most bytes of a response that one character of a configuration's definitions takes: a default goes out twice, and
 * one that is a list as Python's JSON text, where `é` is `\\u00e9`: nine bytes when that is escaped twice more.
 */
const DEFINITION_BYTES_PER_CHARACTER = 18;

/**
 * Derives a configuration for one deployment: the delivery's id, a value for every input, and in a structured
 * configuration the inputs' values where it says `get_input`.
 */
export function deriveConfig(deliverable: Deliverable, options: RenderOptions): Derivation {
  const { config, deployment } = deliverable;
  const view = configView(config);
  const id = ids.memo(`${deployment.id} ${deployment.delivery}`, { context: deployment });
  if (view.inputs.some(({ name }) => name === SERVER_INPUT)) {
    // A client such as the openstack CLI derived it: its id stays until a rerun, which needs a new one.
    const inputs = withSignal(inputsAsTexts(view, deliverable), deployment, options);
    const derived = { ...view, id: deployment.reran ? id : view.id, inputs };
    return derivationOf(deliverable, config.config.text.length, () => derived);
  }
  const values = membersOf(deployment.input_values?.text ?? "{}");
  const { inputs, undeclared } = derivedInputs(view, values, deliverable, options);
  const derived = { ...view, id, inputs };
  // Names may be escaped.
  if (!isStructured(config) || !/get_input|\\/.test(config.config.text))
    return derivationOf(deliverable, config.config.text.length, () => derived);
  const text = inputTexts(inputs, undeclared);
  return derivationOf(deliverable, replacedLength(config.config, text), () => ({
    ...derived,
    config: withInputsReplaced(config.config, text),
  }));
}

/** @param configLength the characters of the `config` that goes out */
function derivationOf(
  { config, deployment }: Deliverable,
  configLength: number,
  render: () => ConfigView,
): Derivation {
  const values = deployment.input_values?.text.length ?? 0;
  const definitions = (config.textLength ?? 0) - config.config.text.length;
  const maxBytes =
    // The values, each as a text that is escaped twice, in an input with a name and a type.
    (configLength + 2 * values) * MAX_BYTES_PER_CHARACTER +
    definitions * DEFINITION_BYTES_PER_CHARACTER +
    (config.inputs.length + values / SHORTEST_VALUE) * INPUT_BYTES +
    SERVICE_BYTES;
  return { deployment, length: configLength + values, maxBytes, render };
}

/**
 * The inputs' values as JSON texts, for `get_input`. An input that the configuration does not declare goes out as a text,
 * but is inserted as it was sent.
 */
function inputTexts(inputs: ConfigInput[], undeclared: Map<string, string>): InputText {
  const texts = new Map(inputs.map(({ name, value = null }) => [name, writeJson(value)]));
  for (const [name, text] of undeclared) texts.set(name, text);
  return (name) => texts.get(name) ?? "null";
}

/**
 * The declared inputs, then other input values, then the service's inputs, which replace others of the same name; and
 * the other input values as they were sent.
 */
function derivedInputs(
  { inputs }: ConfigView,
  values: Map<string, string>,
  { config, deployment }: Deliverable,
  options: RenderOptions,
): { inputs: ConfigInput[]; undeclared: Map<string, string> } {
  const asTexts = takesTexts(config, deployment.action);
  const service = [
    stringInput(SERVER_INPUT, deployment.server_id),
    stringInput(ACTION_INPUT, deployment.action ?? ""),
    ...signalInputs(deployment, options),
  ];
  const serviceNames = new Set(service.map(({ name }) => name));
  const declared = inputs.filter(({ name }) => !serviceNames.has(name));
  const taken = new Set([...serviceNames, ...declared.map(({ name }) => name)]);
  const undeclared = new Map([...values].filter(([name]) => !taken.has(name)));
  const others = Array.from(undeclared, ([name, text]) =>
    stringInput(name, asTexts && text === "null" ? "" : valueIn(text)),
  );
  const withValues = declared.map((input) => {
    const withValue = { ...input, value: declaredValue(input, values) };
    return asTexts ? asText(withValue) : withValue;
  });
  return { inputs: [...withValues, ...others, ...service], undeclared };
}

/** The value of a declared input: agents fail on inputs without one. */
function declaredValue(input: ConfigInput, values: Map<string, string>): JsonValue {
  const text = values.get(input.name);
  const declared = input.value === undefined ? input.default : input.value;
  return (text === undefined ? declared : valueIn(text)) ?? null;
}

/** Whether the hook that runs a configuration takes values as texts alone. */
function takesTexts(config: SoftwareConfig, action: string | null): boolean {
  return ENVIRONMENT_HOOKS.includes(scriptFor(config, action)?.hook ?? "");
}

function asText(input: ConfigInput): ConfigInput {
  const { value = null } = input;
  return { ...input, value: value === null ? "" : asPlainText(value) };
}

/** The inputs of a configuration that a client derived, their values as texts where its hook takes no others. */
function inputsAsTexts({ inputs }: ConfigView, { config, deployment }: Deliverable): ConfigInput[] {
  if (!takesTexts(config, deployment.action)) return inputs;
  return inputs.map((input) => (input.value === undefined ? input : asText(input)));
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
