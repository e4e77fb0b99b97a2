import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { apiUrl } from "../support/api.ts";
import { later, stopClock } from "../support/clock.ts";
import {
  byLink,
  collect,
  type DeliveringTenant,
  inputOf,
  newDeliveringTenant,
  signalLink,
} from "../support/delivery.ts";
import { NOBODY, newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { inLongForm } from "../support/long.ts";

let tenant: DeliveringTenant;

beforeEach(async () => {
  tenant = await newDeliveringTenant();
});

describe("time limit", () => {
  beforeEach(stopClock);

  afterEach(() => {
    vi.useRealTimers();
  });

  it("a passed time limit makes the deployment FAILED for every reader; a later signal changes nothing", async () => {
    const { id, timeout } = await tenant.deployed({ timeout: 1 });
    expect(timeout).toBe(1);
    const link = await tenant.newLink();
    await later(1_100);
    const failed = {
      status: "FAILED",
      status_reason: "Timed out after 1 seconds: the server never collected it",
    };
    expect(await tenant.show(id)).toMatchObject(failed);
    const { json } = await tenant.call("GET", "/software_deployments");
    expect(json.software_deployments[0]).toMatchObject(failed);
    expect((await tenant.eventsOf(id)).at(-1)).toMatchObject({
      event: "timed_out",
      status_before: "IN_PROGRESS",
    });
    const reader = await newTenant(["reader"], tenant.project);
    for (const caller of [tenant, reader])
      expect((await caller.call("GET", "/software_deployments/metadata/a-server")).json.metadata).toEqual([]);
    expect(await collect(link)).toEqual([]);
    expect(await tenant.show(id)).not.toHaveProperty("collected_time");
  });

  it("what was set FAILED before it was collected is not handed out, until it is put in progress again", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const before = await byLink("HEAD", link);
    await tenant.update(id, { status: "FAILED", status_reason: "cancelled" });
    const etag = { "if-none-match": before.headers.etag ?? "" };
    const givenUp = await byLink("GET", link, { headers: etag });
    expect([givenUp.status, givenUp.json.deployments]).toEqual([200, []]);
    expect((await tenant.eventsOf(id)).map(({ event }) => event)).toEqual(["created", "changed"]);
    await tenant.update(id, { status: "IN_PROGRESS" });
    expect(await collect(link)).toHaveLength(1);
    await tenant.update(id, { status: "FAILED" });
    const [collected] = await collect(link);
    expect(inputOf(collected, "deploy_signal_id")).toBeUndefined();
    expect(collected).toBeDefined();
  });

  it("the first result after the time limit keeps its outputs and changes no status; later ones change nothing", async () => {
    const { id } = await tenant.deployed({ timeout: 1 });
    const signal = await signalLink(await tenant.newLink());
    await later(1_100);
    const { status_reason } = await tenant.show(id);
    for (const result of ["the real output", "another"]) {
      const body = { deploy_stdout: result, deploy_status_code: 0, result };
      expect((await byLink("PUT", signal, { body })).status).toBe(200);
    }
    const kept = { result: "the real output", deploy_stdout: "the real output", deploy_status_code: 0 };
    expect(await tenant.show(id)).toMatchObject({ status: "FAILED", status_reason, output_values: kept });
    expect((await tenant.eventsOf(id)).slice(2)).toMatchObject([
      { event: "timed_out", status_after: "FAILED" },
      { event: "signalled", by: "link", late: true, deploy_status_code: 0, status_after: "FAILED" },
    ]);
  });

  it("a rerun, or any later status, ends what a late result could have kept", async () => {
    const { id } = await tenant.deployed({ timeout: 1 });
    const signal = await signalLink(await tenant.newLink());
    await later(1_100);
    await tenant.update(id, { status: "FAILED", status_reason: "given up" });
    await byLink("PUT", signal, { body: { result: 1 } });
    expect(await tenant.show(id)).toMatchObject({ status_reason: "given up", output_values: null });
  });

  it("the reason of a timed-out deployment says when the server collected it", async () => {
    const { id } = await tenant.deployed({ timeout: 2 });
    await collect(await tenant.newLink());
    await later(2_100);
    const { collected_time, status_reason } = await tenant.show(id);
    expect(status_reason).toBe(
      `Timed out after 2 seconds: the server collected it at ${collected_time} but sent no result`,
    );
  });

  it("a passed time limit is written by the next change, with an event of its own", async () => {
    const { id } = await tenant.deployed({ timeout: 1 });
    await later(1_100);
    const { json } = await tenant.update(id, { status_reason: "LATER" });
    expect(json.software_deployment).toMatchObject({ status: "FAILED", status_reason: "LATER" });
    const history = (await tenant.eventsOf(id)).map(({ event, status_before, status_after }) => [
      event,
      status_before,
      status_after,
    ]);
    expect(history).toEqual([
      ["created", null, "IN_PROGRESS"],
      ["timed_out", "IN_PROGRESS", "FAILED"],
      ["changed", "FAILED", "FAILED"],
    ]);
  });

  it("a passed time limit blocks neither a rerun nor another status", async () => {
    const { id } = await tenant.deployed({ timeout: 1 });
    await later(1_100);
    const { json } = await tenant.call("POST", `/software_deployments/${id}/rerun`);
    expect(json.software_deployment).toMatchObject({ status: "IN_PROGRESS", status_reason: null });
    await later(1_100);
    const complete = (await tenant.update(id, { status: "COMPLETE" })).json.software_deployment;
    expect(complete).toMatchObject({ status: "COMPLETE", status_reason: null });
  });

  it("the time limit counts from each entry into IN_PROGRESS, and 0 removes it", async () => {
    const { id } = await tenant.deployed({ timeout: 2 });
    await later(2_100);
    expect((await tenant.update(id, { status: "IN_PROGRESS" })).json.software_deployment.status).toBe(
      "IN_PROGRESS",
    );
    const without = (await tenant.update(id, { timeout: 0 })).json.software_deployment;
    expect(without).not.toHaveProperty("timeout");
    await later(2_100);
    expect((await tenant.show(id)).status).toBe("IN_PROGRESS");
    expect((await tenant.update(id, { timeout: 1 })).json.software_deployment.timeout).toBe(1);
    expect((await tenant.show(id)).status).toBe("FAILED");
  });

  it.each([0, -1, 1.5, 2_592_001, "60", true])("a timeout of %j on create is 400", async (timeout) => {
    const body = { config_id: "c", server_id: "s", timeout };
    expectFault(await tenant.call("POST", "/software_deployments", { body }), 400, "timeout");
  });
});

describe("rerun", () => {
  it("a rerun makes the deployment IN_PROGRESS without results, with a new delivery id", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const before = await collect(link);
    await byLink("PUT", await signalLink(link), { body: { deploy_status_code: 1 } });
    const { json } = await tenant.call("POST", `/software_deployments/${id}/rerun`);
    expect(json.software_deployment).toMatchObject({
      status: "IN_PROGRESS",
      output_values: null,
      status_reason: null,
    });
    const after = await collect(link);
    expect(after[0]?.id).not.toBe(before[0]?.id);
    await byLink("PUT", await signalLink(link), { body: {} });
    expect((await tenant.show(id)).status).toBe("COMPLETE");
    expectFault(await tenant.call("POST", `/software_deployments/${NOBODY}/rerun`), 404);
  });
});

describe("history", () => {
  /** Whether hundreds of updates take a few seconds. */
  const isQuick = !apiUrl || inLongForm("the longest histories over HTTP", [true]).length > 0;

  it("events tell what happened, by whom, which fields, and the status before and after; never a value", async () => {
    const { id } = await tenant.deployed({ input_values: { secret: "canary" } });
    const link = await tenant.newLink();
    await tenant.update(id, { input_values: { secret: "canary-2" }, action: "B" });
    const signal = await signalLink(link);
    await byLink("PUT", signal, { body: { result: "canary-3" } });
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    const reply = await tenant.call("GET", `/software_deployments/${id}/events`);
    expect(reply.text).not.toContain("canary");
    expect(reply.json.events).toMatchObject([
      { event: "created", by: "user", status_before: null, status_after: "IN_PROGRESS" },
      { event: "changed", by: "user", fields: ["input_values", "action"], status_after: "IN_PROGRESS" },
      { event: "collected", by: "link" },
      { event: "signalled", by: "link", status_before: "IN_PROGRESS", status_after: "COMPLETE" },
      { event: "rerun", by: "user", status_before: "COMPLETE", status_after: "IN_PROGRESS" },
    ]);
    for (const { time, request_id } of reply.json.events) {
      expect(time).toMatch(/Z$/);
      expect(request_id).toMatch(/^req-[0-9a-f-]{36}$/);
    }
    expectFault(await tenant.call("GET", `/software_deployments/${NOBODY}/events`), 404);
  });

  it.runIf(isQuick)(
    "the history keeps the newest 100 events, the creation, and the status that dropped events had led to",
    async () => {
      const { id } = await tenant.deployed();
      await tenant.update(id, { status: "COMPLETE" });
      for (let i = 0; i < 160; i += 1) await tenant.update(id, { status_reason: `${i}` });
      const events = await tenant.eventsOf(id);
      expect(events[0]).toMatchObject({ event: "created", status_after: "IN_PROGRESS" });
      expect(events[1]).toMatchObject({ status_before: "COMPLETE", status_after: "COMPLETE" });
      expect(events.length).toBeGreaterThanOrEqual(100);
      expect(events.length).toBeLessThanOrEqual(150);
      expect(events.at(-1)).toMatchObject({
        event: "changed",
        status_before: "COMPLETE",
        status_after: "COMPLETE",
      });
    },
  );

  it.runIf(isQuick)(
    "the history keeps the creation and the owner's last ten changes, whatever a delegated tenant does",
    async () => {
      const delegate = await newTenant();
      const { id } = await tenant.deployed({ stack_user_project_id: delegate.project });
      for (let i = 0; i < 12; i += 1) await tenant.update(id, { action: `A${i}` });
      const report = (body: object) =>
        tenant.call("PUT", `/software_deployments/${id}`, { token: delegate.token, body });
      for (let i = 0; i < 200; i += 1) await report({ status_reason: `${i}` });
      const events = await tenant.eventsOf(id);
      expect(events[0]).toMatchObject({ event: "created", by: "user" });
      expect(events.filter(({ by }) => by === "user")).toHaveLength(11);
      expect(events.at(-1)).toMatchObject({ by: "delegated tenant" });
    },
  );

  it("an update that names nothing leaves no event; the owner's moves updated_time, a delegated tenant's changes nothing", async () => {
    const delegate = await newTenant();
    const { id } = await tenant.deployed({ stack_user_project_id: delegate.project });
    const before = await tenant.show(id);
    for (const body of [{}, { status: null }, { action: "", output_values: {} }]) {
      const reply = await tenant.call("PUT", `/software_deployments/${id}`, { token: delegate.token, body });
      expect([reply.status, reply.json.software_deployment]).toEqual([200, before]);
      expect((await tenant.update(id, body)).json.software_deployment.updated_time).toMatch(/Z$/);
      before.updated_time = (await tenant.show(id)).updated_time;
    }
    expect(await tenant.eventsOf(id)).toHaveLength(1);
  });
});
