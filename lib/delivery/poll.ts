import type * as z from "zod/mini";
import type { ConfigView } from "../config/config.ts";
import { isVisibleTo } from "../deployment/deployment.ts";
import { actorOf } from "../deployment/history.ts";
import { expiresAt } from "../deployment/retention.ts";
import { isDue, isGivenUp } from "../deployment/run.ts";
import { type Collection, recordCollected } from "../deployment/store/collect.ts";
import { queryServer } from "../deployment/store/read.ts";
import type { DeliveredRow } from "../deployment/store/row.ts";
import { ServiceError } from "../errors.ts";
import { ResponseRoom } from "../limits/response-size.ts";
import { type AgentLinks, renewedLink } from "../link/addresses.ts";
import type { CollectLink } from "../link/signed-link.ts";
import { epochSeconds } from "../times.ts";
import type { Delivery } from "./derived-config.ts";
import { withFileNames } from "./file-names.ts";
import { type AgentMetadata, inMetadataOrder } from "./metadata.ts";
import { type Selection, type SelectionOptions, selectDeliveries } from "./selection.ts";
import { type MetadataValidators, type ServerState, validatorsOf } from "./validators.ts";

/** A poll of a server's agent. Most polls need only the validators. */
export interface Poll {
  validators: MetadataValidators;
  /** Records deliveries that go out for the first time as collected, and renders the document. */
  collect: () => Promise<Collected>;
}

/** The options of a poll. */
interface PollOptions extends Pick<SelectionOptions, "now" | "renderResource"> {
  requestId: string;
  clock: () => Date;
  stateAlone: boolean;
  acceptsGzip: boolean;
  form: string;
}

/** The document for an agent. */
interface Collected {
  document: z.infer<typeof AgentMetadata>;
  /**
   * Whether the validators describe it: false if the table had changes that the index did not show, or if a delivery
   * could not be recorded as collected.
   */
  matchesValidators: boolean;
  /** The number of deliveries that go out for the first time. */
  count: number;
}

/**
 * A poll by a server's signed link. It costs one query of the index by server. The document costs in addition a write
 * for each delivery that goes out for the first time, a batch read of configurations that are not cached, and one of
 * rows whose inputs are too large for the index.
 * @param options.stateAlone reads only the attributes that the validators need
 * @param options.acceptsGzip whether the agent accepts a compressed document
 * @param options.form the client's form, for the validators
 * @param options.renderResource renders a configuration in that form, for the measure
 * @throws ServiceError `unauthorized` if the link was revoked, `unavailable`
 */
export async function pollByLink(link: CollectLink, links: AgentLinks, options: PollOptions): Promise<Poll> {
  const { now, requestId, clock, stateAlone, acceptsGzip, form, renderResource } = options;
  const { state, rows } = await readServer(link.project, link.server, now, options);
  if (link.issued <= state.linksValidFrom)
    throw new ServiceError("unauthorized", "Authorization failed: the link was revoked.");
  const renewed = renewedLink(link, now);
  // A renewed link must change the validators: an agent that only gets 304 would never receive it.
  const renewedAt = renewed === link ? 0 : epochSeconds(new Date(renewed.issued));
  const changedAt = Math.max(state.changedAt, renewedAt);
  const version = [links.version, link.issued, renewed.issued, renewed.expires, acceptsGzip, form].join(" ");
  const { etag, lastModified } = validatorsOf({ ...state, changedAt }, version, now);
  // os-collect-config keeps the time of its HEAD, not of the GET after it: it must come again for what that leaves out.
  const mayLeaveOut = stateAlone && rows.some((row) => isAwaited(row, now));
  return {
    validators: { etag, lastModified: mayLeaveOut ? undefined : lastModified },
    collect: async () => {
      const selection = await selectDeliveries(link.project, rows, {
        now,
        signalUrl: (deployment) => links.signalUrl(deployment, link.issued),
        room: new ResponseRoom(acceptsGzip),
        renderResource,
      });
      const recorded = await collected(selection, { by: "link", requestId, clock });
      return {
        document: {
          deployments: viewsOf(withFileNames(recorded.deliveries)),
          "os-collect-config": {
            collectors: ["request"],
            request: { metadata_url: links.collectUrl(renewed) },
          },
        },
        matchesValidators: selection.isAsIndexed && recorded.isComplete,
        count: recorded.count,
      };
    },
  };
}

/** The options of metadata for a caller with a token. */
export interface TokenOptions extends Omit<SelectionOptions, "room"> {
  requestId: string;
  clock: () => Date;
  /** The project of a caller who is a delegated tenant, see `isVisibleTo`. */
  delegateProjectId?: string | undefined;
  acceptsGzip: boolean;
}

/**
 * The metadata of a server for a caller with a token, and the number of deliveries that go out for the first time. What
 * goes out with links for results is recorded as collected.
 * @throws ServiceError `unavailable`
 */
export async function metadataByToken(
  projectId: string,
  serverId: string,
  { requestId, clock, delegateProjectId, acceptsGzip, ...options }: TokenOptions,
): Promise<{ metadata: ConfigView[]; count: number }> {
  const { now, signalUrl } = options;
  const { rows } = await readServer(projectId, serverId, now, { delegateProjectId });
  const room = new ResponseRoom(acceptsGzip);
  const selection = await selectDeliveries(projectId, rows, { ...options, room });
  if (!signalUrl) return { metadata: viewsOf(selection.deliveries), count: 0 };
  const { deliveries, count } = await collected(selection, {
    by: actorOf(delegateProjectId),
    requestId,
    clock,
  });
  return { metadata: viewsOf(deliveries), count };
}

/** Whether a deployment may still go out for the first time. @param row as a HEAD reads it: `details` may be missing */
function isAwaited(row: DeliveredRow, now: Date): boolean {
  const { details = {} } = row as { details?: Partial<DeliveredRow["details"]> };
  return !row.collected_time && !details.isConfigMissing && isDue(details, now) && !isGivenUp(row, now);
}

/** The deliveries of a selection that may go out now: recorded as collected, each of them. */
async function collected(
  { deliveries }: Selection,
  collection: Collection,
): Promise<{ deliveries: Delivery[]; isComplete: boolean; count: number }> {
  const deployments = deliveries.map(({ deployment }) => deployment);
  const { leftOut, count } = await recordCollected(deployments, collection);
  const rest = deliveries.filter(({ deployment }) => !leftOut.has(deployment));
  return { deliveries: rest, isComplete: leftOut.size === 0, count };
}

function viewsOf(deliveries: Delivery[]): ConfigView[] {
  return inMetadataOrder(deliveries).map(({ view }) => view);
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
    .filter(({ details }) => delegateProjectId === undefined || isVisibleTo(details, delegateProjectId));
  return {
    state: {
      deployments: live,
      changedAt: Math.max(server.changedAt ?? 0, ...ended),
      linksValidFrom: server.linksValidFrom ?? 0,
    },
    rows: live,
  };
}
