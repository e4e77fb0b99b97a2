/** The state of a deployment that callers see, and that decides what its links are good for. */
export interface State {
  delivery: number;
  attempt: number;
  status: string;
  /** The output `result`, the input `n`. */
  result: string | null;
  n: string | null;
  action: string | null;
  config_id: string;
  isCanceled: boolean;
  /** Whether a result of its run is kept although that is over. */
  acceptsLate: boolean;
  /** Its `not_before`, in seconds since 1970. */
  notBefore: number | null;
}

/** A deployment that is there, or one that was removed. */
export type Fate = State | undefined;

/** A change of a deployment, or an attempt at one. */
export type Change =
  | { kind: "update"; fields: Partial<Pick<State, "n" | "action" | "config_id">> }
  | { kind: "rerun" }
  | { kind: "progress" }
  | { kind: "fail" }
  | { kind: "cancel" }
  /** Sets `not_before` alone. @param isCollected whether it was refused since the server has the delivery */
  | { kind: "wait"; notBefore: number; isCollected: boolean }
  | { kind: "remove" }
  | { kind: "signal"; delivery: number; attempt: number; status: string; result: string }
  | { kind: "revokedSignal" };

/** A change, and the status that it was answered. */
export interface Answered {
  change: Change;
  status: number;
}

/** How a new deployment begins. */
export const begun = (config_id: string, n: string | null, notBefore: number | null): State => ({
  delivery: 0,
  attempt: 0,
  status: "IN_PROGRESS",
  result: null,
  n,
  action: null,
  config_id,
  isCanceled: false,
  acceptsLate: false,
  notBefore,
});

/**
 * The possible fates of a deployment after changes that were made at the same time: by every order of them in which each
 * would have been answered as it was. None where no order explains the answers. Of removals at the same time each may be
 * answered 204: one that had read the deployment cannot tell another's removal from its own, whose answer was lost.
 * @param wasThere whether the deployment was there before all of them
 */
export const outcomes = (before: Fate, answered: Answered[], wasThere = before !== undefined): Fate[] => {
  if (answered.length === 0) return [before];
  return answered.flatMap(({ change, status }, at) => {
    const [expected, after] = applied(before, change);
    const isRemovedMeanwhile = change.kind === "remove" && status === 204 && wasThere && !before;
    return status === expected || isRemovedMeanwhile
      ? outcomes(after, answered.toSpliced(at, 1), wasThere)
      : [];
  });
};

/** Whether a change, where it is answered 200, is a new delivery. */
export const isDelivery = ({ kind }: Change): boolean => kind === "update" || kind === "rerun";

/** The `not_before` that a new run keeps: one that lies ahead. */
const ahead = (notBefore: number | null): number | null =>
  notBefore !== null && notBefore > Math.floor(Date.now() / 1_000) ? notBefore : null;

const applied = (state: Fate, change: Change): [status: number, state: Fate] => {
  if (!state) return [404, undefined];
  const { delivery, attempt, status } = state;
  const ended = { isCanceled: false, acceptsLate: false };
  const running = { ...ended, status: "IN_PROGRESS", notBefore: ahead(state.notBefore) };
  const anew = { ...running, result: null, delivery: delivery + 1 };
  switch (change.kind) {
    case "update":
      return [200, { ...state, ...anew, ...change.fields }];
    case "rerun":
      return [200, { ...state, ...anew }];
    case "progress":
      return [200, { ...state, ...running, attempt: status === "IN_PROGRESS" ? attempt : attempt + 1 }];
    case "fail":
      return [200, { ...state, ...ended, status: "FAILED" }];
    case "cancel":
      if (state.isCanceled) return [200, state];
      if (status !== "IN_PROGRESS") return [409, state];
      return [200, { ...state, status: "FAILED", isCanceled: true, acceptsLate: true }];
    case "wait":
      if (state.notBefore === change.notBefore) return [200, state];
      if (status !== "IN_PROGRESS" || change.isCollected) return [409, state];
      return [200, { ...state, notBefore: change.notBefore }];
    case "revokedSignal":
      return [401, state];
    case "remove":
      return [204, undefined];
    case "signal": {
      const isCurrent = change.delivery === delivery && change.attempt === attempt;
      if (isCurrent && status === "IN_PROGRESS")
        return [200, { ...state, status: change.status, result: change.result }];
      const isLate = isCurrent && state.acceptsLate;
      return [200, isLate ? { ...state, result: change.result, acceptsLate: false } : state];
    }
  }
};
