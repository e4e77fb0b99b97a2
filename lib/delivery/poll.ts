import type { ConfigView, SoftwareConfig } from "../config/config.ts";
import { getConfigs } from "../config/store/read.ts";
import { type DeliveredDeployment, isVisibleTo } from "../deployment/deployment.ts";
import { expiresAt } from "../deployment/retention.ts";
import { recordCollected } from "../deployment/store/collect.ts";
import { wholeItems } from "../deployment/store/read.ts";
import { deliveredDeployment, lifetimeOf, TableName } from "../deployment/store/row.ts";
import { type Item, projection, queryItems } from "../dynamodb/calls.ts";
import { epochSeconds } from "../iso-time.ts";
import {
  collectWithinLimit,
  MAX_RESPONSE_BYTES,
  MOST_BYTES_OF_A_CHARACTER,
} from "../limits/response-size.ts";
import { type ServerRow, serverKey, serverRowId } from "../server/store.ts";
import { type RenderOptions, renderMetadata } from "./metadata.ts";
import type { ServerState } from "./validators.ts";

/** What tells whether anything has changed for a server. */
const STATE = ["id", "revision", "status", "deadline", "changed", "links_from"];

/** What it is told, besides; not its results, which may be large. */
const METADATA = [
  ...STATE,
  ...["server_key", "config_id", "action", "input_values", "details.stack_user_project_id"],
  ...["signal_expires", "delivery", "attempt", "reran", "collected_time"],
];

/** What an input takes of the metadata beside its value, and what the service itself adds, in bytes. */
const INPUT_BYTES = 200;
const SERVICE_BYTES = 8_000;

/** The length of the shortest value with its name in a JSON text, in characters. */
const SHORTEST_VALUE = 5;

const REMEDY = "delete deployments of this server that it no longer needs.";

/** A server as one read of the index by server found it: a moment behind the table, but all of it at the same time. */
export interface ServerEntries {
  state: ServerState;
  /** The entries of its deployments, in the order of `state.deployments`. */
  entries: Item[];
}

/**
 * Reads a server's deployments by one query of the index by server. The table itself is not read.
 * @param options.delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @param options.stateAlone leaves out what its metadata need
 * @throws ServiceError `unavailable`
 */
export async function readServer(
  projectId: string,
  serverId: string,
  now: Date,
  options: { delegateProjectId?: string | undefined; stateAlone?: boolean } = {},
): Promise<ServerEntries> {
  const query = {
    TableName,
    IndexName: "by_server",
    KeyConditionExpression: "server_key = :server",
    ExpressionAttributeValues: { ":server": serverKey(projectId, serverId) },
    ...projection(options.stateAlone ? STATE : METADATA),
  };
  const rows: Item[] = await Array.fromAsync(queryItems(query));
  const serverRow = rows.find(({ id }) => id === serverRowId(serverId)) as ServerRow | undefined;
  const deployments = rows.filter((row) => row !== serverRow);
  const time = epochSeconds(now);
  const ends = deployments.map((row) => expiresAt(lifetimeOf(row))).filter((end) => end <= time);
  const entries = deployments.filter(
    (row) => expiresAt(lifetimeOf(row)) > time && isVisible(row, options.delegateProjectId),
  );
  return {
    state: {
      deployments: entries.map((row) => ({ id: row.id, revision: row.revision, ...lifetimeOf(row) })),
      changedAt: Math.max(serverRow?.changed ?? 0, ...ends),
      linksValidFrom: serverRow?.links_from ?? 0,
    } as ServerState,
    entries,
  };
}

/**
 * Renders what a server is told.
 * @throws ServiceError `invalid` when it would not fit a response, `unavailable`
 */
export async function readMetadata(
  projectId: string,
  { entries }: ServerEntries,
  options: RenderOptions,
): Promise<ConfigView[]> {
  const deployments = await deploymentsOf(projectId, entries, options.now);
  return render(deployments, await configsOf(projectId, deployments), options);
}

/** What an agent is told. */
export interface Collected {
  metadata: ConfigView[];
  /** Whether that is what the server's state says, and not what has moved on since the index knew. */
  isAsKnown: boolean;
  /** How many of its deliveries the agent is told for the first time. */
  collected: number;
}

/**
 * The same for the server's agent: first records what goes out for the first time as collected, and leaves out what has
 * moved on since.
 * @throws ServiceError as `readMetadata` does
 */
export async function collectMetadata(
  projectId: string,
  { entries }: ServerEntries,
  options: RenderOptions,
  requestId: string,
): Promise<Collected> {
  const deployments = await deploymentsOf(projectId, entries, options.now);
  const configs = await configsOf(projectId, deployments);
  const known = deployments.filter(({ config_id }) => configs.has(config_id));
  const { present, collected } = await recordCollected(known, requestId, options.now);
  const revisions = new Map<unknown, unknown>(deployments.map(({ id, revision }) => [id, revision]));
  const isAsKnown =
    present.length === known.length && entries.every(({ id, revision }) => revisions.get(id) === revision);
  return { metadata: await render(present, configs, options), isAsKnown, collected };
}

/** The deployments of entries; those with inputs that the index does not carry are read from the table, consistently. */
async function deploymentsOf(projectId: string, entries: Item[], now: Date): Promise<DeliveredDeployment[]> {
  const items = await wholeItems(projectId, entries, ["input_values"], METADATA);
  // One at a time: values inflate to many times what is stored.
  const deployments = function* () {
    for (const item of items) {
      const deployment = deliveredDeployment(item, now);
      if (deployment) yield deployment;
    }
  };
  return collectWithinLimit(deployments(), ({ input_values }) => input_values, REMEDY, valueBytes);
}

function configsOf(projectId: string, deployments: DeliveredDeployment[]) {
  return getConfigs(
    projectId,
    deployments.map(({ config_id }) => config_id),
  );
}

async function render(
  deployments: DeliveredDeployment[],
  configs: Awaited<ReturnType<typeof configsOf>>,
  options: RenderOptions,
): Promise<ConfigView[]> {
  const metadata = renderMetadata(deployments, configs, options);
  const bounds = deployments.map((one) => boundOf(one, configs.get(one.config_id)));
  if (bounds.reduce((sum, bytes) => sum + bytes, 0) <= MAX_RESPONSE_BYTES) return metadata;
  return collectWithinLimit(metadata, (config) => config, REMEDY);
}

/** What the values of a deployment take of a response at most, in bytes. */
function valueBytes({ textLength = 0 }: DeliveredDeployment): number {
  return textLength * MOST_BYTES_OF_A_CHARACTER;
}

/**
 * What a deployment's configuration takes of the metadata at most, in bytes: its own texts; the values once more, each
 * as a text that is escaped twice, in an input with a name and a type; and the links.
 */
function boundOf({ textLength = 0 }: DeliveredDeployment, config: SoftwareConfig | undefined): number {
  if (!config) return 0;
  const inputs = config.inputs.length + textLength / SHORTEST_VALUE;
  const texts = (config.textLength ?? 0) + 2 * textLength;
  return texts * MOST_BYTES_OF_A_CHARACTER + inputs * INPUT_BYTES + SERVICE_BYTES;
}

function isVisible({ details }: Item, delegateProjectId: string | undefined): boolean {
  return isVisibleTo((details ?? {}) as Item, delegateProjectId);
}
