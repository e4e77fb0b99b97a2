import { normalizedOutput } from "../../config/normalize.ts";
import { getConfigs } from "../../config/store/read.ts";
import { storedJson } from "../../dynamodb/stored-json.ts";
import { asText, type JsonObject } from "../../json/exact-json.ts";
import { MAX_BODY_BYTES } from "../../shapes.ts";
import type { SoftwareDeployment } from "../deployment.ts";
import type { Actor } from "../history.ts";
import { MAX_MARKER_BYTES, STANDARD_OUTPUTS, truncateMiddle } from "../result.ts";
import type { SignalledRun } from "../run.ts";
import { applySignal, awaitsResult } from "../transitions.ts";
import { type ChangeContext, type ChangeResult, changeDeployment } from "./change.ts";
import { attributesOf, roomFor } from "./row.ts";

/** The bytes that the attributes of outputs and reason take of a row beside their values. */
const NAMES_BYTES = [...attributesOf("output_values"), ...attributesOf("status_reason")].join("").length + 2;

/** The share of the room that is enough: filling the rest is not worth one more deflation of all outputs. */
const ENOUGH = 0.9;

/** The least that stays of a value that is cut, in bytes. */
const LEAST_BYTES = 256;

/** By how much a cut grows from one try to the next, in bytes, and how often: up to a whole body. */
const CUT_STEP = 1_024;
const CUT_STEPS = 1_024;

/** A signal of a run's result. */
export interface Signal {
  /** The agent's outputs. */
  outputs: JsonObject;
  by: Actor;
  /** The signed link by which it came, if it was one. */
  link?: SignalledRun;
}

/**
 * Writes the result of a run, if the run is still in progress. The first result counts; one that comes after the time
 * limit, for an older delivery or for an earlier attempt changes nothing. A result that does not fit its row is cut.
 * @throws ServiceError `not_found`, `unauthorized` when the link has ended, `unavailable`
 */
export function signalDeployment(
  id: string,
  { outputs, by, link }: Signal,
  context: ChangeContext,
): Promise<ChangeResult> {
  return changeDeployment(
    id,
    async (run, row) => {
      if (!awaitsResult(run, link, context)) return undefined;
      const config = (await getConfigs(context.projectId, [run.config_id])).get(run.config_id);
      const declared = config?.outputs.map(normalizedOutput) ?? [];
      const { after, event } = applySignal(run, { outputs, declared, by }, context);
      const room = roomFor(row, ["output_values", "status_reason"]);
      const bytes = Buffer.byteLength(JSON.stringify([after.output_values, after.status_reason]));
      // Most results fit as they are; what is stored is never longer than the text.
      return { after: bytes + NAMES_BYTES <= room ? after : fitResult(after, room), event };
    },
    context,
  );
}

/**
 * A deployment with its result cut to what its row has room for. What does not fit loses the middle of `deploy_stdout`
 * and `deploy_stderr`, then of the other long values, never their ends, with a mark of how many bytes are missing. Of
 * thousands of outputs, the last are left out, and the reason says how many.
 * @param room for outputs and reason, in bytes as stored
 */
export function fitResult<Ended extends Pick<SoftwareDeployment, "status_reason" | "output_values">>(
  deployment: Ended,
  room: number,
): Ended {
  const { status_reason: reason, output_values: outputs } = deployment;
  if (reason === null || outputs === null) return deployment;
  const all = Object.keys(outputs).length;
  const left = room - Buffer.byteLength(reason) - NAMES_BYTES - MAX_MARKER_BYTES;
  const output_values = fitOutputs(outputs, left);
  const missing = all - Object.keys(output_values).length;
  if (missing === 0) return { ...deployment, output_values };
  const status_reason = `${reason} (the last ${missing} of ${all} outputs are missing: they do not fit)`;
  return { ...deployment, status_reason, output_values };
}

function fitOutputs(outputs: JsonObject, room: number): JsonObject {
  if (takenBytes(outputs) <= room) return outputs;
  const streams = new Set(["deploy_stdout", "deploy_stderr"]);
  const long = new Set(Object.keys(outputs).filter((name) => asText(outputs[name]).length > LEAST_BYTES));
  return (
    largestCut(outputs, streams, room) ?? largestCut(outputs, long, room) ?? mostOutputs(outputs, long, room)
  );
}

/** The outputs cut no more than it takes to fit; undefined where even the smallest cut does not fit. */
function largestCut(outputs: JsonObject, names: Set<string>, room: number): JsonObject | undefined {
  return largestThatFits(room, [0, CUT_STEPS], (steps) =>
    cut(outputs, names, LEAST_BYTES + steps * CUT_STEP),
  );
}

/** As many of the outputs as fit, in their order, each cut as short as may be. */
function mostOutputs(outputs: JsonObject, long: Set<string>, room: number): JsonObject {
  const shortest = cut(outputs, long, LEAST_BYTES);
  const others = Object.keys(shortest).filter((name) => !STANDARD_OUTPUTS.includes(name));
  const first = (count: number): JsonObject =>
    Object.fromEntries(
      [...others.slice(0, count), ...STANDARD_OUTPUTS].map((name) => [name, shortest[name]]),
    );
  return largestThatFits(room, [0, others.length], first) ?? first(0);
}

/**
 * Searches for the largest outputs that fit the room, or nearly.
 * @param make makes larger outputs of a larger number
 * @returns undefined where even the least does not fit
 */
function largestThatFits(
  room: number,
  [least, most]: [number, number],
  make: (size: number) => JsonObject,
): JsonObject | undefined {
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

/** Outputs of which the named ones are cut to at most `bytes` each. */
function cut(outputs: JsonObject, names: Set<string>, bytes: number): JsonObject {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [
      name,
      names.has(name) && Buffer.byteLength(asText(value)) > bytes
        ? truncateMiddle(asText(value), bytes)
        : value,
    ]),
  );
}

/** The bytes that outputs take of a row; no room is enough for more than a body could hold, as they must fit a response. */
function takenBytes(outputs: JsonObject): number {
  if (Buffer.byteLength(JSON.stringify(outputs)) > MAX_BODY_BYTES) return Number.POSITIVE_INFINITY;
  return Buffer.byteLength(storedJson({ outputs }, {}).outputs ?? "");
}
