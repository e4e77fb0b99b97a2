import { describe, expect, it } from "vitest";
import type { SoftwareDeployment } from "../../lib/deployment/deployment.ts";
import type { DeploymentEvent } from "../../lib/deployment/history.ts";
import { FOREVER, hasTimedOut, SIGNAL_GRACE, SIGNAL_LIFETIME } from "../../lib/deployment/run.ts";
import {
  applyCancel,
  applyLateSignal,
  applyPatch,
  applyRerun,
  applySignal,
  applyTimeLimit,
  applyUpdate,
  MAX_SUPERSEDED_RESULTS,
  noteRefusedSignal,
  noteSupersededSignal,
  type Outcome,
  resultKind,
  stamped,
  type TransitionContext,
} from "../../lib/deployment/transitions.ts";
import { JsonText } from "../../lib/json/json-text.ts";
import { textOf } from "../support/json-text.ts";

const BEGAN = 1_800_000_000;
const NOW = BEGAN + 100;
const context: TransitionContext = {
  requestId: "0c3bb6c2-2a6f-4f3c-9a1e-6a7a1c2f3d4e",
  now: new Date(NOW * 1_000),
};

/** A deployment that has been collected, with a time limit of 300 s and a result of before. */
const deployment: SoftwareDeployment = {
  project_id: "p",
  id: "01a20a2e-4077-77b0-85f5-db059fd06c30",
  server_id: "s",
  config_id: "c",
  action: "CREATE",
  input_values: textOf({ who: "world" }),
  output_values: textOf({ deploy_stdout: "before" }),
  status: "IN_PROGRESS",
  status_reason: "a reason",
  stack_user_project_id: "tenant",
  creation_time: "2027-01-15T08:00:00Z",
  updated_time: null,
  collected_time: "2027-01-15T08:00:10Z",
  delivery: 2,
  attempt: 1,
  reran: false,
  isConfigMissing: false,
  isCanceled: false,
  notBefore: null,
  acceptsLateResult: false,
  supersededResults: 0,
  revision: 7,
  changedAt: BEGAN,
  keyExpiresAt: null,
  timeout: 300,
  startedAt: BEGAN,
  startedMs: 0,
  deadlineAt: BEGAN + 300,
  signalExpiresAt: BEGAN + 300 + SIGNAL_GRACE,
};

/** The states that a transition may find: the three statuses, and a run whose time limit has passed. */
const STATES: Record<string, SoftwareDeployment> = {
  "in progress": deployment,
  complete: { ...deployment, status: "COMPLETE" },
  failed: { ...deployment, status: "FAILED" },
  "timed out": applyTimeLimit({ ...deployment, deadlineAt: NOW }, context).after,
};

const signal = (outputs: object) => (before: SoftwareDeployment) =>
  applySignal(before, { outputs: textOf(outputs), by: "link" }, [], context);

const TRANSITIONS: Record<string, (before: SoftwareDeployment) => Outcome> = {
  "update of nothing": (before) => applyUpdate(before, {}, context),
  "update of nothing new": (before) =>
    applyUpdate(
      before,
      { config_id: "c", action: "CREATE", input_values: textOf({ who: "world" }) },
      context,
    ),
  "update of the reason": (before) => applyUpdate(before, { status_reason: "so" }, context),
  "update to COMPLETE": (before) => applyUpdate(before, { status: "COMPLETE" }, context),
  "update to FAILED": (before) => applyUpdate(before, { status: "FAILED" }, context),
  "update to IN_PROGRESS": (before) => applyUpdate(before, { status: "IN_PROGRESS" }, context),
  "update of the action": (before) => applyUpdate(before, { action: "UPDATE" }, context),
  "update of inputs, and to COMPLETE": (before) =>
    applyUpdate(before, { input_values: textOf({ who: "all" }), status: "COMPLETE" }, context),
  "update of the time limit": (before) => applyUpdate(before, { timeout: 50 }, context),
  "patch of an input": (before) => applyPatch(before, { input_values: textOf({ more: 1 }) }, context),
  rerun: (before) => applyRerun(before, {}, context),
  "signal of success": signal({ deploy_status_code: 0 }),
  "signal of failure": signal({ deploy_status_code: 1 }),
};

/** The outcome in short: status, reason, deliveries and attempts more than before, and the event. */
const inShort = (before: SoftwareDeployment, { after, event }: Outcome): string =>
  [
    after.status,
    after.status_reason === before.status_reason ? "same reason" : (after.status_reason ?? "no reason"),
    ...(after.delivery === before.delivery ? [] : ["new delivery"]),
    ...(after.attempt === before.attempt ? [] : ["new attempt"]),
    ...(after.output_values === before.output_values ? [] : [after.output_values ? "result" : "no result"]),
    event ? [event.event, event.fields?.join("+"), event.status].filter(Boolean).join(" ") : "no event",
  ].join(", ");

const CODE_1 = "deploy_status_code : Deployment exited with non-zero status code: 1";

/** The expected outcomes from "in progress", "complete", "failed" and "timed out", in this order; one for all alike. */
const EXPECTED: Record<string, string | [string, string, string, string]> = {
  "update of nothing": [
    "IN_PROGRESS, same reason, no event",
    "COMPLETE, same reason, no event",
    "FAILED, same reason, no event",
    "FAILED, same reason, no event",
  ],
  "update of nothing new": [
    "IN_PROGRESS, same reason, no event",
    "COMPLETE, same reason, no event",
    "FAILED, same reason, no event",
    "FAILED, same reason, no event",
  ],
  "update of the reason": [
    "IN_PROGRESS, so, changed status_reason",
    "COMPLETE, so, changed status_reason",
    "FAILED, so, changed status_reason",
    "FAILED, so, changed status_reason",
  ],
  "update to COMPLETE": [
    "COMPLETE, same reason, changed status COMPLETE",
    "COMPLETE, same reason, changed status COMPLETE",
    "COMPLETE, same reason, changed status COMPLETE",
    "COMPLETE, no reason, changed status COMPLETE",
  ],
  "update to FAILED": "FAILED, same reason, changed status FAILED",
  "update to IN_PROGRESS": [
    "IN_PROGRESS, same reason, changed status IN_PROGRESS",
    "IN_PROGRESS, same reason, new attempt, changed status IN_PROGRESS",
    "IN_PROGRESS, same reason, new attempt, changed status IN_PROGRESS",
    "IN_PROGRESS, no reason, new attempt, changed status IN_PROGRESS",
  ],
  "update of the action": "IN_PROGRESS, no reason, new delivery, no result, changed action IN_PROGRESS",
  "update of inputs, and to COMPLETE": [
    "COMPLETE, same reason, new delivery, changed input_values+status COMPLETE",
    "COMPLETE, same reason, new delivery, changed input_values+status COMPLETE",
    "COMPLETE, same reason, new delivery, changed input_values+status COMPLETE",
    "COMPLETE, no reason, new delivery, changed input_values+status COMPLETE",
  ],
  "update of the time limit": [
    "IN_PROGRESS, same reason, changed timeout",
    "COMPLETE, same reason, changed timeout",
    "FAILED, same reason, changed timeout",
    "FAILED, same reason, changed timeout",
  ],
  "patch of an input": "IN_PROGRESS, no reason, new delivery, no result, changed input_values IN_PROGRESS",
  rerun: "IN_PROGRESS, no reason, new delivery, no result, rerun IN_PROGRESS",
  "signal of success": "COMPLETE, Outputs received, result, signalled COMPLETE",
  "signal of failure": `FAILED, ${CODE_1}, result, signalled FAILED`,
};

describe.each(Object.entries(TRANSITIONS))("transition: %s", (name, apply) => {
  it.each(Object.entries(STATES).map(([state, before], at) => [state, before, at] as const))(
    `${name} from %s has the outcome that the API promises, and leaves the deployment before as it was`,
    (_, before, at) => {
      const copy = structuredClone(before);
      const outcome = inShort(before, apply(before));
      expect(outcome).toBe([EXPECTED[name]].flat()[[EXPECTED[name]].flat().length === 1 ? 0 : at]);
      expect(before).toEqual(copy);
    },
  );
});

it.each([
  ["{}", null],
  [null, "{}"],
])("inputs of %s that become %s are no new delivery", (held, sent) => {
  const valuesOf = (text: string | null) => (text === null ? null : new JsonText(text));
  const before = { ...deployment, input_values: valuesOf(held) };
  expect(applyUpdate(before, { input_values: valuesOf(sent) }, context)).toEqual({ after: before });
});

describe("the times of a run", () => {
  const run = (after: SoftwareDeployment) => {
    const { startedAt, deadlineAt, signalExpiresAt, collected_time } = after;
    return { startedAt, deadlineAt, signalExpiresAt, collected_time };
  };
  const before = run(deployment);

  it("a new delivery begins now, under the time limit that the update sets or the deployment has", () => {
    const begun = { startedAt: NOW, collected_time: null };
    const limited = { ...begun, deadlineAt: NOW + 300, signalExpiresAt: NOW + 300 + SIGNAL_GRACE };
    expect(run(applyRerun(deployment, {}, context).after)).toEqual(limited);
    expect(run(applyUpdate(deployment, { action: "x" }, context).after)).toEqual(limited);
    expect(run(applyUpdate(deployment, { action: "x", timeout: 7 }, context).after)).toEqual({
      ...begun,
      deadlineAt: NOW + 7,
      signalExpiresAt: NOW + 7 + SIGNAL_GRACE,
    });
    const { deadlineAt, ...unlimited } = run(
      applyUpdate(deployment, { action: "x", timeout: null }, context).after,
    );
    expect(unlimited).toEqual({ ...begun, signalExpiresAt: NOW + SIGNAL_LIFETIME });
    expect(deadlineAt).toBeGreaterThanOrEqual(FOREVER);
  });

  it("another attempt has the time limit anew, and leaves the end of its delivery's links", () => {
    const { after } = applyUpdate(deployment, { status: "IN_PROGRESS" }, context);
    expect(run(after)).toEqual({ ...before, startedAt: NOW, deadlineAt: NOW + 300 });
  });

  it("a time limit that changes alone counts from the run's beginning, and may bring back what timed out", () => {
    const { after } = applyUpdate(deployment, { timeout: 50 }, context);
    expect(run(after)).toEqual({ ...before, deadlineAt: BEGAN + 50 });
    expect(hasTimedOut(after, context.now)).toBe(true);
  });
});

describe("what a result means", () => {
  const current = { delivery: 2, attempt: 1, expires: NOW + 1 };
  const kind = (
    link: typeof current | undefined,
    state: SoftwareDeployment | undefined = deployment,
    history: DeploymentEvent[] = [],
  ) => resultKind(state, history, link, context);

  it("the first result while the run is in progress counts, by a token or by the link of this attempt", () => {
    expect([kind(undefined), kind(current)]).toEqual(["first", "first"]);
  });

  it("the first result after the time limit is late; a later one, and one of an earlier attempt, is void", () => {
    const { after } = applyTimeLimit({ ...deployment, deadlineAt: NOW }, context);
    expect([kind(undefined, after), kind(current, after)]).toEqual(["late", "late"]);
    const kept = applyLateSignal(after, { outputs: textOf({}), by: "link" }, [], context);
    expect(kept.after).toMatchObject({ status: "FAILED", status_reason: after.status_reason });
    expect(kept.event).toMatchObject({ event: "signalled", late: true, delivery: 2, code: null });
    expect(kind(current, kept.after)).toBe("void");
    expect(kind({ ...current, attempt: 0 }, after)).toBe("void");
  });

  it.each([
    ["a status", (before: SoftwareDeployment) => applyUpdate(before, { status: "FAILED" }, context)],
    ["a new delivery", (before: SoftwareDeployment) => applyUpdate(before, { action: "UPDATE" }, context)],
    ["a rerun", (before: SoftwareDeployment) => applyRerun(before, {}, context)],
  ])("%s after the time limit ends what a late result could have kept", (_, transition) => {
    const { after } = applyTimeLimit({ ...deployment, deadlineAt: NOW }, context);
    expect(transition(after).after.acceptsLateResult).toBe(false);
  });

  it("a cancel keeps the result that comes later, and is known until a new run or another status", () => {
    const canceled = applyCancel({ ...deployment, collected_time: null }, {}, context)?.after;
    expect(canceled).toMatchObject({ status: "FAILED", isCanceled: true, acceptsLateResult: true });
    const before = canceled as SoftwareDeployment;
    expect(applyCancel(before, {}, context)).toBeUndefined();
    expect(kind(undefined, before)).toBe("late");
    for (const { after } of [
      applyUpdate(before, { status: "FAILED" }, context),
      applyUpdate(before, { status: "IN_PROGRESS" }, context),
      applyUpdate(before, { action: "UPDATE" }, context),
      applyRerun(before, {}, context),
    ])
      expect([after.isCanceled, after.acceptsLateResult]).toEqual([false, false]);
    expect(applyUpdate(before, { status_reason: "so" }, context).after.isCanceled).toBe(true);
  });

  it("a link and a time limit count from not_before, as long as nobody has the delivery", () => {
    const waiting = { ...deployment, collected_time: null };
    const notBefore = NOW + 86_400;
    const { after } = applyPatch(waiting, { not_before: notBefore }, context);
    expect([after.deadlineAt, after.signalExpiresAt]).toEqual([
      notBefore + 300,
      notBefore + 300 + SIGNAL_GRACE,
    ]);
    expect(applyPatch(after, { not_before: null }, context).after.deadlineAt).toBe(BEGAN + 300);
    expect(applyPatch(after, { not_before: notBefore }, context)).toEqual({ after });
    const conflict = expect.objectContaining({ kind: "conflict" });
    expect(() => applyPatch(deployment, { not_before: notBefore }, context)).toThrow(conflict);
    expect(() => applyCancel({ ...deployment, status: "COMPLETE" }, {}, context)).toThrow(conflict);
  });

  it("the first result of an older delivery is superseded, the next ones are void, and ten are noted at most", () => {
    const older = { ...current, delivery: 1, attempt: 0 };
    expect(kind(older)).toBe("superseded");
    const arrived = { outputs: textOf({ deploy_status_code: "3" }), by: "link" } as const;
    const { after, event, isNote } = noteSupersededSignal(deployment, arrived, 1, context);
    expect([event, isNote]).toMatchObject([{ superseded: true, delivery: 1, code: 3 }, true]);
    expect(kind(older, after, [event as DeploymentEvent])).toBe("void");
    expect(kind({ ...older, delivery: 0 }, after, [event as DeploymentEvent])).toBe("superseded");
    expect(kind(older, { ...after, supersededResults: MAX_SUPERSEDED_RESULTS })).toBe("void");
    const answered = signal({})({ ...deployment, delivery: 1 }).event as DeploymentEvent;
    expect(kind(older, deployment, [answered])).toBe("void");
  });

  it("a result of an older delivery that cannot be read counts as a superseded one", () => {
    const refused = { by: "link", kind: "superseded" } as const;
    expect(noteRefusedSignal(deployment, [], refused, context)?.after.supersededResults).toBe(1);
  });

  it("a result that cannot be read is noted once a minute, and moves no time", () => {
    const refused = { by: "link", kind: "first" } as const;
    const noted = noteRefusedSignal(deployment, [], refused, context);
    const event = noted?.event as DeploymentEvent;
    expect(event).toMatchObject({ event: "signal_refused", by: "link" });
    expect(noteRefusedSignal(deployment, [{ ...event, at: NOW - 59 }], refused, context)).toBeUndefined();
    expect(noteRefusedSignal(deployment, [{ ...event, at: NOW - 60 }], refused, context)).toBeDefined();
    expect(stamped(noted as Outcome, deployment, context, context.now)).toEqual({
      ...deployment,
      revision: 8,
    });
  });

  it("a result of a run that has ended is void", () => {
    for (const state of ["complete", "failed"])
      expect([kind(undefined, STATES[state]), kind(current, STATES[state])]).toEqual(["void", "void"]);
  });

  it("a link that has ended is refused, but for that of a run whose time limit was lengthened", () => {
    const ended = { ...current, expires: NOW };
    expect(kind(ended)).toBe("first");
    const refused = expect.objectContaining({ kind: "unauthorized" });
    expect(() => kind({ ...ended, delivery: 1 })).toThrow(refused);
    expect(() => kind(ended, { ...deployment, deadlineAt: NOW - SIGNAL_GRACE })).toThrow(refused);
  });
});
