import { normalizedOutput } from "../../config/normalize.ts";
import { getConfigs } from "../../config/store/read.ts";
import { storedJson } from "../../dynamodb/stored-json.ts";
import { ServiceError } from "../../errors.ts";
import { asPlainText, JsonText, membersOf, objectOf, valueIn } from "../../json/json-text.ts";
import type { SignalLink } from "../../link/signed-link.ts";
import type { ServerRow } from "../../server/row.ts";
import { MAX_BODY_BYTES } from "../../shapes.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import type { Actor } from "../history.ts";
import { MAX_MARKER_BYTES, STANDARD_OUTPUTS, withoutMiddle } from "../result.ts";
import {
  applyLateSignal,
  applySignal,
  noteRefusedSignal,
  noteSupersededSignal,
  type Outcome,
  resultKind,
} from "../transitions.ts";
import { type ChangeContext, type ChangeResult, changeDeployment } from "./change.ts";
import { attributesOf, type DeploymentRow, roomFor } from "./row.ts";

/** The bytes that the attributes of outputs and reason take of a row in addition to their values. */
const NAMES_BYTES = [...attributesOf("output_values"), ...attributesOf("status_reason")].join("").length + 2;

/** The share of the room that is enough: filling more is not worth another deflation of all outputs. */
const ENOUGH = 0.9;

/** The bytes that remain of a value at the strongest cut. */
const LEAST_BYTES = 256;

/** The steps in which a cut value grows, in bytes, and their number: up to the size of a whole body. */
const CUT_STEP = 1_024;
const CUT_STEPS = 1_024;

/** Outputs by name, as JSON texts. */
type Outputs = Map<string, string>;

/** A signal of a run's result. */
export interface Signal {
  /** Reads the agent's outputs, for a result that is not void. @throws ServiceError `invalid` */
  outputs: () => Promise<JsonText>;
  by: Actor;
  /** The signed link of the request, if it has one. */
  link?: SignalLink;
}

/**
 * Writes the result of a run, whatever it means (`resultKind`). A result that does not fit its row is cut. By a link, one
 * that cannot be read leaves an event.
 * @throws ServiceError `not_found`, `unauthorized` if the link has expired or was revoked, `invalid` if a result that is
 *   not void cannot be read, `unavailable`
 */
export async function signalDeployment(
  id: string,
  { outputs, by, link }: Signal,
  context: ChangeContext,
): Promise<ChangeResult> {
  let read: JsonText | ServiceError | undefined;
  let refused: ServiceError | undefined;
  const result = await changeDeployment(
    id,
    async (run, { row, history, server }) => {
      checkNotRevoked(link, server);
      const kind = resultKind(run, history, link, context);
      // A result may have become void since an earlier attempt.
      refused = undefined;
      if (kind === "void") return undefined;
      read ??= await outputs().catch(refusal);
      if (read instanceof ServiceError) {
        refused = read;
        return link ? noteRefusedSignal(run, history, { by, kind }, context) : undefined;
      }
      const arrived = { outputs: read, by };
      if (kind === "superseded" && link) return noteSupersededSignal(run, arrived, link.delivery, context);
      const config = (await getConfigs(context.projectId, [run.config_id])).get(run.config_id);
      const declared = config?.outputs.map(normalizedOutput) ?? [];
      return kind === "late"
        ? withLateOutputsFitted(applyLateSignal(run, arrived, declared, context), row)
        : withResultFitted(applySignal(run, arrived, declared, context), row);
    },
    // Links of before they named their server belong to none.
    { ...context, serverId: link && (link.server ?? "") },
  );
  if (refused) throw refused;
  return result;
}

/**
 * A deployment with its result cut to fit its row. First `deploy_stdout` and `deploy_stderr` lose their middle, then
 * the other long values; a marker says how many bytes are missing. If that is not enough, the last outputs are left
 * out, and the reason, if there is one, says how many.
 * @param room the bytes for outputs and reason as stored
 */
export function fitResult<Ended extends Pick<SoftwareDeployment, "status_reason" | "output_values">>(
  deployment: Ended,
  room: number,
): Ended {
  const { status_reason: reason, output_values: outputs } = deployment;
  if (outputs === null) return deployment;
  const all = membersOf(outputs.text);
  const left = room - Buffer.byteLength(reason ?? "") - NAMES_BYTES - MAX_MARKER_BYTES;
  const fitting = fitOutputs(all, left);
  const output_values = new JsonText(objectOf(fitting));
  const missing = all.size - fitting.size;
  if (missing === 0) return { ...deployment, output_values };
  const status_reason =
    reason && `${reason} (the last ${missing} of ${all.size} outputs are missing: they do not fit)`;
  return { ...deployment, status_reason, output_values };
}

/** @throws ServiceError `unauthorized` if the server's links were revoked after this one's collect link was made */
function checkNotRevoked(link: SignalLink | undefined, server: ServerRow | undefined): void {
  // Links of before they carried the time of their issue end with their run alone.
  if (link?.issued === undefined || link.issued > (server?.linksValidFrom ?? 0)) return;
  throw new ServiceError("unauthorized", "Authorization failed: the link was revoked.");
}

/** The error for a body that cannot be read; every other error is thrown. */
function refusal(error: unknown): ServiceError {
  if (error instanceof ServiceError && error.kind === "invalid") return error;
  throw error;
}

function withResultFitted({ after, event }: Outcome, row: DeploymentRow): Outcome {
  const room = roomFor(row, ["output_values", "status_reason"]);
  const bytes = Buffer.byteLength(`${after.output_values?.text}${after.status_reason}`);
  // Most results fit as they are; what is stored is never longer than the text.
  return { after: bytes + NAMES_BYTES <= room ? after : fitResult(after, room), event };
}

/** The outcome with its outputs fitted, and its status_reason as it was: it says why the run ended, and when. */
function withLateOutputsFitted(outcome: Outcome, row: DeploymentRow): Outcome {
  const { after, event } = withResultFitted(outcome, row);
  return { after: { ...after, status_reason: outcome.after.status_reason }, event };
}

function fitOutputs(outputs: Outputs, room: number): Outputs {
  if (takenBytes(outputs) <= room) return outputs;
  const streams = new Set(["deploy_stdout", "deploy_stderr"]);
  const names = [...outputs.keys()];
  const long = new Set(names.filter((name) => plainOutput(outputs, name).length > LEAST_BYTES));
  return (
    largestCut(outputs, streams, room) ?? largestCut(outputs, long, room) ?? mostOutputs(outputs, long, room)
  );
}

/** The outputs, the named ones cut no more than needed to fit; undefined if even the strongest cut is not enough. */
function largestCut(outputs: Outputs, names: Set<string>, room: number): Outputs | undefined {
  const texts = textsOf(outputs, names);
  return largestThatFits(room, [0, CUT_STEPS], (steps) =>
    cut(outputs, texts, LEAST_BYTES + steps * CUT_STEP),
  );
}

/** The first outputs, as many as fit, each cut to `LEAST_BYTES`. */
function mostOutputs(outputs: Outputs, long: Set<string>, room: number): Outputs {
  const shortest = cut(outputs, textsOf(outputs, long), LEAST_BYTES);
  const others = [...shortest.keys()].filter((name) => !STANDARD_OUTPUTS.includes(name));
  const first = (count: number): Outputs =>
    new Map(
      [...others.slice(0, count), ...STANDARD_OUTPUTS].map((name) => [name, shortest.get(name) ?? "null"]),
    );
  return largestThatFits(room, [0, others.length], first) ?? first(0);
}

/**
 * The largest outputs that fit the room, or nearly, by binary search.
 * @param make makes larger outputs from a larger number
 * @returns undefined if even the smallest do not fit
 */
function largestThatFits(
  room: number,
  [least, most]: [number, number],
  make: (size: number) => Outputs,
): Outputs | undefined {
  let best = make(least);
  let size = takenBytes(best);
  if (size > room) return undefined;
  let [low, high] = [least + 1, most];
  while (low <= high && size < ENOUGH * room) {
    const middle = Math.floor((low + high) / 2);
    const candidate = make(middle);
    const bytes = takenBytes(candidate);
    if (bytes <= room) [best, size, low] = [candidate, bytes, middle + 1];
    else high = middle - 1;
  }
  return best;
}

/** Outputs of which those with a text are cut to at most `bytes` each. */
function cut(outputs: Outputs, texts: Map<string, Buffer>, bytes: number): Outputs {
  const shorter = new Map(outputs);
  for (const [name, text] of texts)
    if (text.byteLength > bytes) shorter.set(name, JSON.stringify(withoutMiddle(text, bytes)));
  return shorter;
}

/** The named outputs as texts in UTF-8, in which they are cut: made once, as they may have megabytes. */
function textsOf(outputs: Outputs, names: Set<string>): Map<string, Buffer> {
  return new Map(Array.from(names, (name) => [name, Buffer.from(plainOutput(outputs, name))]));
}

function plainOutput(outputs: Outputs, name: string): string {
  return asPlainText(valueIn(outputs.get(name) ?? "null"));
}

/** The bytes that outputs take of a row; no room is enough for more than a body could hold, as they must fit a response. */
function takenBytes(outputs: Outputs): number {
  const text = objectOf(outputs);
  if (Buffer.byteLength(text) > MAX_BODY_BYTES) return Number.POSITIVE_INFINITY;
  return Buffer.byteLength(storedJson({ text }, {}).text ?? "");
}
