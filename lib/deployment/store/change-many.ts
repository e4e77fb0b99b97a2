import { hash } from "node:crypto";
import type * as z from "zod/mini";
import type { Counts } from "../../metrics.ts";
import { knownId } from "../../shapes.ts";
import { ABORT_MARGIN_MS, FUNCTION_TIMEOUT } from "../../times.ts";
import type { ManyResults } from "../many-request.ts";
import { type ChangeContext, changeDeployment, type Decide } from "./change.ts";

/** The changes that are made at a time. */
const AT_A_TIME = 16;

/** The time before the end of a request's work in which no change begins, in ms. */
const LAST_MS = 1_000;

type Result = z.infer<typeof ManyResults>["results"][number];

/** The context of many changes: that of one, without what belongs to one alone. */
export interface ManyContext extends Omit<ChangeContext, "checkETag" | "repeatKey"> {
  /** The verb, to which the key belongs: another one under the same key is another request. */
  verb: "cancel" | "rerun";
  /** The `Idempotency-Key` of the request: a repeat changes no deployment again. */
  idempotencyKey: string | undefined;
  /** The status and the message of an error. */
  refusalOf: (error: unknown) => { code: number; message: string };
  /** Adds the business metrics of a change. */
  count: (counts: Counts) => void;
}

/**
 * Changes deployments, each by itself, 16 at a time. None begins in the last second of the request: those are 503.
 * @returns a result for each, in the order of the ids
 */
export async function changeMany(ids: string[], decide: Decide, context: ManyContext): Promise<Result[]> {
  const { now, clock } = context;
  const end = now.getTime() + FUNCTION_TIMEOUT * 1_000 - ABORT_MARGIN_MS - LAST_MS;
  const results: Result[] = [];
  const next = ids.entries();
  const work = async (): Promise<void> => {
    for (const [at, id] of next)
      results[at] = clock().getTime() < end ? await changeOne(id, decide, context) : notBegun(id);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return results;
}

async function changeOne(id: string, decide: Decide, context: ManyContext): Promise<Result> {
  const { verb, idempotencyKey, refusalOf, count, ...rest } = context;
  const repeatKey = idempotencyKey && hash("sha256", `${verb} ${idempotencyKey}`, "base64url").slice(0, 22);
  try {
    const { deployment, counts } = await changeDeployment(knownId(id), decide, { ...rest, repeatKey });
    count(counts);
    return { id, code: 200, status: deployment.status };
  } catch (error) {
    return { id, ...refusalOf(error) };
  }
}

function notBegun(id: string): Result {
  return { id, code: 503, message: "There was no time left for it: try again." };
}
