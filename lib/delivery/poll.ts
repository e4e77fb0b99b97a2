import type * as z from "zod/mini";
import type { ConfigView, SoftwareConfig } from "../config/config.ts";
import { getConfigs } from "../config/store/read.ts";
import { type DeliveredDeployment, isVisibleTo } from "../deployment/deployment.ts";
import { expiresAt } from "../deployment/retention.ts";
import { recordCollected } from "../deployment/store/collect.ts";
import { completeRows, queryServer } from "../deployment/store/read.ts";
import { DELIVERED, type DeliveredRow, decodeDelivered, isLive } from "../deployment/store/row.ts";
import { ServiceError } from "../errors.ts";
import {
  checkListFits,
  MAX_RESPONSE_BYTES,
  MOST_BYTES_OF_A_CHARACTER,
  responseBytes,
  responseTooLarge,
} from "../limits/response-size.ts";
import { type AgentLinks, renewedLink } from "../link/addresses.ts";
import type { CollectLink } from "../link/signed-link.ts";
import { epochSeconds } from "../times.ts";
import { type AgentMetadata, type RenderOptions, renderMetadata } from "./metadata.ts";
import { type MetadataValidators, type ServerState, validatorsOf } from "./validators.ts";

/** The bytes that an input takes of the metadata beside its value, and that the service itself adds. */
const INPUT_BYTES = 200;
const SERVICE_BYTES = 8_000;

/** The length of the shortest value with its name in a JSON text, in characters. */
const SHORTEST_VALUE = 5;

const REMEDY = "delete deployments of this server that it no longer needs.";

/** A poll of a server's agent, answered as far as its validators: most polls go no further. */
export interface Poll {
  validators: MetadataValidators;
  /** Records what goes out for the first time as collected, and makes the document. */
  collect: () => Promise<Collected>;
}

/** The document that an agent is handed. */
interface Collected {
  document: z.infer<typeof AgentMetadata>;
  /** Whether it is what the validators stand for, and not what has moved on since the index knew. */
  matchesValidators: boolean;
  /** How many deliveries go out for the first time. */
  count: number;
}

/** Deployments that are handed out, and their configurations by id. */
interface Delivered {
  deployments: DeliveredDeployment[];
  configs: Map<string, SoftwareConfig>;
}

/**
 * A poll by a server's link, from its read to its document: one query of the index by server; the document costs a write
 * for each delivery that goes out for the first time, and a batch read of configurations that are not remembered.
 * @param options.stateAlone reads what the validators need alone
 * @throws ServiceError `unauthorized` when the link was revoked, `invalid` when the document would not fit a response,
 *   `unavailable`
 */
export async function pollByLink(
  link: CollectLink,
  links: AgentLinks,
  { now, requestId, stateAlone }: { now: Date; requestId: string; stateAlone: boolean },
): Promise<Poll> {
  const { state, rows } = await readServer(link.project, link.server, now, { stateAlone });
  if (link.issued <= state.linksValidFrom)
    throw new ServiceError("unauthorized", "Authorization failed: the link was revoked.");
  const renewed = renewedLink(link, now);
  // A new link is a change like others: an agent that is answered 304 for ever would never learn of it.
  const renewedAt = renewed === link ? 0 : epochSeconds(new Date(renewed.issued));
  const changedAt = Math.max(state.changedAt, renewedAt);
  return {
    validators: validatorsOf({ ...state, changedAt }, links.version(renewed), now),
    collect: async () => {
      const { deployments, configs } = await readDelivered(link.project, rows, now);
      const known = deployments.filter(({ config_id }) => configs.has(config_id));
      const { current, collected } = await recordCollected(known, requestId, now);
      const options = { now, signalUrl: links.signalUrl };
      const revisions = new Map(deployments.map(({ id, revision }) => [id, revision]));
      return {
        document: {
          deployments: renderWithinLimit({ deployments: current, configs }, options),
          "os-collect-config": {
            collectors: ["request"],
            request: { metadata_url: links.collectUrl(renewed) },
          },
        },
        matchesValidators:
          current.length === known.length && rows.every(({ id, revision }) => revisions.get(id) === revision),
        count: collected,
      };
    },
  };
}

/**
 * The metadata of a server by a caller's token, who collects nothing.
 * @param options.delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `invalid` when they would not fit a response, `unavailable`
 */
export async function metadataByToken(
  projectId: string,
  serverId: string,
  { delegateProjectId, ...options }: RenderOptions & { delegateProjectId: string | undefined },
): Promise<ConfigView[]> {
  const { rows } = await readServer(projectId, serverId, options.now, { delegateProjectId });
  return renderWithinLimit(await readDelivered(projectId, rows, options.now), options);
}

/** Reads a server: what tells whether it has changed, and the rows of its live deployments in the same order. */
async function readServer(
  projectId: string,
  serverId: string,
  now: Date,
  { delegateProjectId, stateAlone = false }: { delegateProjectId?: string | undefined; stateAlone?: boolean },
): Promise<{ state: ServerState; rows: DeliveredRow[] }> {
  const { server, rows } = await queryServer(projectId, serverId, stateAlone);
  const time = epochSeconds(now);
  const ended = rows.map(expiresAt).filter((end) => end <= time);
  const live = rows
    .filter((row) => expiresAt(row) > time)
    .filter(
      ({ details }) => delegateProjectId === undefined || isVisibleTo(details ?? {}, delegateProjectId),
    );
  return {
    state: {
      deployments: live,
      changedAt: Math.max(server.changedAt ?? 0, ...ended),
      linksValidFrom: server.linksValidFrom ?? 0,
    },
    rows: live,
  };
}

/**
 * The deployments of rows, and their configurations by id. Rows with inputs that the index does not carry are read from
 * the table, consistently.
 */
async function readDelivered(projectId: string, rows: DeliveredRow[], now: Date): Promise<Delivered> {
  const complete = await completeRows(projectId, rows, ["input_values"], DELIVERED);
  const deployments: DeliveredDeployment[] = [];
  let bytes = 0;
  let isMeasured = false;
  // One at a time: values inflate to many times what is stored.
  for (const row of complete) {
    if (!isLive(row, now)) continue;
    const deployment = decodeDelivered(row);
    deployments.push(deployment);
    bytes += isMeasured
      ? responseBytes(deployment.input_values)
      : (deployment.textLength ?? 0) * MOST_BYTES_OF_A_CHARACTER;
    if (bytes > MAX_RESPONSE_BYTES && !isMeasured) {
      isMeasured = true;
      bytes = deployments.reduce((sum, { input_values }) => sum + responseBytes(input_values), 0);
    }
    if (bytes > MAX_RESPONSE_BYTES) throw responseTooLarge(REMEDY);
  }
  const ids = deployments.map(({ config_id }) => config_id);
  return { deployments, configs: await getConfigs(projectId, ids) };
}

function renderWithinLimit({ deployments, configs }: Delivered, options: RenderOptions): ConfigView[] {
  const metadata = renderMetadata(deployments, configs, options);
  // At most: the configuration's texts; the values once more, each as a text that is escaped twice, in an input with a
  // name and a type; and the links.
  let bytes = 0;
  for (const { config_id, textLength = 0 } of deployments) {
    const { inputs = [], textLength: configLength = 0 } = configs.get(config_id) ?? {};
    bytes += (configLength + 2 * textLength) * MOST_BYTES_OF_A_CHARACTER;
    bytes += (inputs.length + textLength / SHORTEST_VALUE) * INPUT_BYTES + SERVICE_BYTES;
  }
  if (bytes > MAX_RESPONSE_BYTES) checkListFits(metadata, REMEDY);
  return metadata;
}
