import { scriptFor } from "../config/component.ts";
import { getConfigs } from "../config/store/read.ts";
import type { DeliveredDeployment } from "../deployment/deployment.ts";
import { hasTimedOut, isDue, isGivenUp } from "../deployment/run.ts";
import { completeRows } from "../deployment/store/read.ts";
import { DELIVERED, type DeliveredRow, decodeDelivered, isLive } from "../deployment/store/row.ts";
import { writeJson } from "../json/json-text.ts";
import { compressedBytes, MAX_RESPONSE_BYTES, type ResponseRoom } from "../limits/response-size.ts";
import { type Delivery, type Derivation, deriveConfig, type RenderOptions } from "./derived-config.ts";
import { inMetadataOrder } from "./metadata.ts";

/** The most deployments whose values and configurations are read at once. */
const CHUNK = 50;

/** The characters of values and configurations after which no more are read: far more than one answer takes. */
const MAX_READ = 64 * 1_048_576;

/** The group of a server's settings. */
const SETTINGS = "os-apply-config";

/** The options of a selection. */
export interface SelectionOptions extends RenderOptions {
  /** The room of the answer. */
  room: ResponseRoom;
  /** Renders a configuration in the form in which this client gets it, for the measure; itself by default. */
  renderResource?: ((resource: object) => object) | undefined;
}

/** The deliveries that go into one answer. */
export interface Selection {
  /** By the deployments' creation. */
  deliveries: Delivery[];
  /** Whether every row that was read from the table was as the index shows it. */
  isAsIndexed: boolean;
}

/** A derivation and the group of its configuration. */
type Candidate = Derivation & { group: string | null };

/**
 * Selects what a server is handed. Left out are deployments whose configuration this service does not store, components
 * without a script for the action, what is not due, what was canceled, and what was given up before it was collected. If
 * the rest does not fit one answer, what is in progress goes first, the oldest before the newer; then the server's
 * settings, and then what is finished, the newest before the older.
 * @param rows the rows of a server's live deployments in the index, by creation
 * @throws ServiceError `unavailable`
 */
export async function selectDeliveries(
  projectId: string,
  rows: DeliveredRow[],
  options: SelectionOptions,
): Promise<Selection> {
  const { now, room, renderResource } = options;
  const selection: Selection = { deliveries: [], isAsIndexed: true };
  const add = ({ deployment, render, ...size }: Candidate): void => {
    let view: Delivery["view"] | undefined;
    const rendered = (): object => {
      view = render();
      return renderResource?.(view) ?? view;
    };
    const maxBytes = renderResource ? Number.POSITIVE_INFINITY : size.maxBytes;
    if (room.add({ length: size.length, maxBytes, render: rendered }))
      selection.deliveries.push({ deployment, view: view ?? render() });
  };
  const eligible = rows.filter((row) => mayGoOut(row, options));
  const isRunning = (row: DeliveredRow): boolean => row.status === "IN_PROGRESS" && !hasTimedOut(row, now);
  const running = readCandidates(projectId, eligible.filter(isRunning), selection, options);
  for await (const candidate of running) add(candidate);
  const rest = eligible.filter((row) => !isRunning(row)).reverse();
  const finished = await Array.fromAsync(readCandidates(projectId, rest, selection, options));
  const isSetting = ({ group }: Candidate): boolean => group === SETTINGS;
  const inOrder = [...finished.filter(isSetting), ...finished.filter((one) => !isSetting(one))];
  for (const candidate of inOrder) add(candidate);
  if (room.isCompressed) selection.deliveries = whatFitsCompressed(selection.deliveries, renderResource);
  if (rest.length > 0) selection.deliveries.sort(byCreation);
  return selection;
}

/**
 * The first deliveries, as many as fit a response that is compressed. Together they may take more than the sum of each by
 * itself: a compressed text has one code for values that are unlike each other.
 */
function whatFitsCompressed(
  deliveries: Delivery[],
  renderResource: SelectionOptions["renderResource"],
): Delivery[] {
  const bytesOf = (some: Delivery[]): number =>
    compressedBytes(
      writeJson(inMetadataOrder(some.toSorted(byCreation)).map(({ view }) => renderResource?.(view) ?? view)),
    );
  let fitting = deliveries;
  for (let bytes = bytesOf(fitting); bytes > MAX_RESPONSE_BYTES; bytes = bytesOf(fitting)) {
    const share = Math.floor((fitting.length * MAX_RESPONSE_BYTES) / bytes);
    fitting = fitting.slice(0, Math.min(share, fitting.length - 1));
  }
  return fitting;
}

/**
 * Reads what rows need to be handed out, some at a time. Rows whose inputs are too large for the index are read from the
 * table, consistently.
 * @param selection learns whether they are as the index shows them
 */
async function* readCandidates(
  projectId: string,
  rows: DeliveredRow[],
  selection: Selection,
  options: RenderOptions,
): AsyncGenerator<Candidate> {
  let read = 0;
  for (let at = 0; at < rows.length && read < MAX_READ; at += CHUNK) {
    const chunk = rows.slice(at, at + CHUNK);
    const complete = await completeRows(projectId, chunk, ["input_values"], DELIVERED);
    const revisions = new Map(complete.map(({ id, revision }) => [id, revision]));
    if (!chunk.every(({ id, revision }) => revisions.get(id) === revision)) selection.isAsIndexed = false;
    const live = complete.filter((row) => isLive(row, options.now) && mayGoOut(row, options));
    const configs = await getConfigs(
      projectId,
      live.map(({ config_id }) => config_id),
    );
    for (const row of live) {
      const config = configs.get(row.config_id);
      if (!config || !scriptFor(config, row.action ?? null)) continue;
      const deployment = readable(row);
      if (!deployment) {
        // The server's other deployments go out, and so will this one once it can be read.
        selection.isAsIndexed = false;
        continue;
      }
      read += (config.textLength ?? 0) + (deployment.input_values?.text.length ?? 0);
      yield { ...deriveConfig({ config, deployment }, options), group: config.group };
    }
  }
}

/**
 * Whether a deployment may be handed out: it is due, and neither was given up nor canceled. Who gets no links for results
 * only reads, and sees canceled ones too.
 */
function mayGoOut(row: DeliveredRow, { now, signalUrl }: RenderOptions): boolean {
  if (!isDue(row.details, now)) return false;
  return row.details.canceled ? signalUrl === undefined : !isGivenUp(row, now);
}

/** Orders deliveries by their deployments' creation. */
function byCreation(one: Delivery, other: Delivery): number {
  return one.deployment.id < other.deployment.id ? -1 : 1;
}

/** The deployment in a row; undefined if its inputs cannot be read. */
function readable(row: DeliveredRow): DeliveredDeployment | undefined {
  try {
    return decodeDelivered(row);
  } catch {
    return undefined;
  }
}
