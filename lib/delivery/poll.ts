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
  MAX_BYTES_PER_CHARACTER,
  MAX_RESPONSE_BYTES,
  responseBytes,
  responseTooLarge,
} from "../limits/response-size.ts";
import { type AgentLinks, renewedLink } from "../link/addresses.ts";
import type { CollectLink } from "../link/signed-link.ts";
import { epochSeconds } from "../times.ts";
import { type AgentMetadata, type RenderOptions, renderMetadata } from "./metadata.ts";
import { type MetadataValidators, type ServerState, validatorsOf } from "./validators.ts";

/** The most bytes of metadata that an input takes without its value, and that the service's inputs take. */
const INPUT_BYTES = 200;
const SERVICE_BYTES = 8_000;

/** The length of the shortest member in a JSON text, in characters. */
const SHORTEST_VALUE = 5;

const REMEDY = "delete deployments of this server that it no longer needs.";

/** A poll of a server's agent. Most polls need only the validators. */
export interface Poll {
  validators: MetadataValidators;
  /** Records deliveries that go out for the first time as collected, and renders the document. */
  collect: () => Promise<Collected>;
}

/** The document for an agent. */
interface Collected {
  document: z.infer<typeof AgentMetadata>;
  /** Whether the validators describe it: false if the table had changes that the index did not show. */
  matchesValidators: boolean;
  /** The number of deliveries that go out for the first time. */
  count: number;
}

/** The deployments that are handed out, and their configurations by id. */
interface Delivered {
  deployments: DeliveredDeployment[];
  configs: Map<string, SoftwareConfig>;
}

/**
 * A poll by a server's signed link. It costs one query of the index by server. The document costs in addition a write
 * for each delivery that goes out for the first time, a batch read of configurations that are not cached, and one of
 * rows whose inputs are too large for the index.
 * @param options.stateAlone reads only the attributes that the validators need
 * @throws ServiceError `unauthorized` if the link was revoked, `invalid` if the document would not fit a response,
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
  // A renewed link must change the validators: an agent that only gets 304 would never receive it.
  const renewedAt = renewed === link ? 0 : epochSeconds(new Date(renewed.issued));
  const changedAt = Math.max(state.changedAt, renewedAt);
  return {
    validators: validatorsOf(
      { ...state, changedAt },
      `${links.version} ${renewed.issued} ${renewed.expires}`,
      now,
    ),
    collect: async () => {
      const { deployments, configs } = await readDelivered(link.project, rows, now);
      const deliverable = deployments.filter(({ config_id }) => configs.has(config_id));
      const { current, collected } = await recordCollected(deliverable, requestId, now);
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
          current.length === deliverable.length &&
          rows.every(({ id, revision }) => revisions.get(id) === revision),
        count: collected,
      };
    },
  };
}

/**
 * The metadata of a server for a caller with a token. Nothing is recorded as collected.
 * @param options.delegateProjectId the project of a caller who is a delegated tenant, see `isVisibleTo`
 * @throws ServiceError `invalid` if they would not fit a response, `unavailable`
 */
export async function metadataByToken(
  projectId: string,
  serverId: string,
  { delegateProjectId, ...options }: RenderOptions & { delegateProjectId: string | undefined },
): Promise<ConfigView[]> {
  const { rows } = await readServer(projectId, serverId, options.now, { delegateProjectId });
  return renderWithinLimit(await readDelivered(projectId, rows, options.now), options);
}

/** Reads a server: the state that its validators are made of, and the rows of its live deployments by creation. */
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
 * The deployments of index entries, and their configurations by id. Rows whose inputs are too large for the index are
 * read from the table, consistently.
 */
async function readDelivered(projectId: string, rows: DeliveredRow[], now: Date): Promise<Delivered> {
  const complete = await completeRows(projectId, rows, ["input_values"], DELIVERED);
  const deployments: DeliveredDeployment[] = [];
  let bytes = 0;
  let isMeasured = false;
  // Measured one at a time: values may inflate to many times their stored size.
  for (const row of complete) {
    if (!isLive(row, now)) continue;
    const deployment = decodeDelivered(row);
    deployments.push(deployment);
    bytes += isMeasured
      ? responseBytes(deployment.input_values)
      : (deployment.input_values?.text.length ?? 0) * MAX_BYTES_PER_CHARACTER;
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
  // An upper bound: the configuration's texts; the values, each as a text that is escaped twice, in an input with a
  // name and a type; and the links.
  let bytes = 0;
  for (const { config_id, input_values } of deployments) {
    const textLength = input_values?.text.length ?? 0;
    const { inputs = [], textLength: configLength = 0 } = configs.get(config_id) ?? {};
    bytes += (configLength + 2 * textLength) * MAX_BYTES_PER_CHARACTER;
    bytes += (inputs.length + textLength / SHORTEST_VALUE) * INPUT_BYTES + SERVICE_BYTES;
  }
  if (bytes > MAX_RESPONSE_BYTES) checkListFits(metadata, REMEDY);
  return metadata;
}
