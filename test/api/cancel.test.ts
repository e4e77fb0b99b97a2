import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../../infra/local/service.ts";
import { clockMoves, later, stopClock } from "../support/clock.ts";
import {
  byLink,
  collect,
  type DeliveringTenant,
  newDeliveringTenant,
  signalLink,
} from "../support/delivery.ts";
import { NOBODY, newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: DeliveringTenant;

beforeEach(async () => {
  tenant = await newDeliveringTenant();
});

afterEach(() => {
  vi.useRealTimers();
});

const pathOf = (id: string): string => `/software_deployments/${id}`;

const cancel = (id: string, call: object = {}) => tenant.call("POST", `${pathOf(id)}/cancel`, call);

describe("cancel", () => {
  it("a deployment that was not collected is FAILED, and never handed out", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const { status, json } = await cancel(id);
    const reason = "Canceled before the server collected it";
    expect([status, json.software_deployment]).toMatchObject([
      200,
      { status: "FAILED", status_reason: reason },
    ]);
    expect(await collect(link)).toEqual([]);
    const { json: read } = await (await newTenant(["reader"], tenant.project)).call(
      "GET",
      "/software_deployments/metadata/a-server",
    );
    expect(read.metadata).toHaveLength(1);
    const shown = await tenant.show(id);
    expect(shown).not.toHaveProperty("collected_time");
    expect((await tenant.eventsOf(id)).at(-1)).toMatchObject({
      ...{ event: "canceled", by: "user", status_before: "IN_PROGRESS", status_after: "FAILED" },
    });
  });

  it("of one that was collected the reason says since when; it goes out no more, and a later result keeps its outputs", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const signal = await signalLink(link);
    const { collected_time } = await tenant.show(id);
    await cancel(id);
    const reason = `Canceled: the server collected it at ${collected_time} and may have run it`;
    expect(await tenant.show(id)).toMatchObject({ status: "FAILED", status_reason: reason });
    expect(await collect(link)).toEqual([]);
    for (const result of ["first", "second"])
      expect((await byLink("PUT", signal, { body: { result, deploy_status_code: 0 } })).status).toBe(200);
    expect(await tenant.show(id)).toMatchObject({
      ...{ status: "FAILED", status_reason: reason, output_values: { result: "first" } },
    });
    const events = (await tenant.eventsOf(id)).map(({ event, late }) => [event, late]);
    expect(events.slice(-2)).toEqual([
      ["canceled", undefined],
      ["signalled", true],
    ]);
  });

  it("a repeat is 200 and changes nothing, also with a stale If-Match; a first one is 412 then", async () => {
    const { id } = await tenant.deployed();
    const { headers } = await tenant.call("GET", pathOf(id));
    const stale = { "if-match": '"99"' };
    expectFault(await cancel(id, { headers: stale }), 412);
    const match = { "if-match": headers.etag ?? "" };
    expect((await cancel(id, { headers: match })).status).toBe(200);
    const before = await tenant.show(id);
    expect((await cancel(id, { headers: match, body: { status_reason: "again" } })).status).toBe(200);
    expect(await tenant.show(id)).toEqual(before);
  });

  it("one that is not in progress, or past its time limit, is 409 that names the status", async () => {
    for (const status of ["COMPLETE", "FAILED"]) {
      const { id } = await tenant.deployed({ status });
      expectFault(await cancel(id), 409, status);
    }
    stopClock();
    const { id } = await tenant.deployed({ timeout: 5 });
    await later(6_000);
    expectFault(await cancel(id), 409, "FAILED");
    expectFault(await cancel(NOBODY), 404);
  });

  it.each([
    ["a rerun", (id: string) => tenant.call("POST", `${pathOf(id)}/rerun`)],
    ["a new delivery", (id: string) => tenant.update(id, { action: "AGAIN" })],
    ["IN_PROGRESS", (id: string) => tenant.update(id, { status: "IN_PROGRESS" })],
  ])("after %s it is handed out, and can be canceled again", async (_, anew) => {
    const { id } = await tenant.deployed();
    await cancel(id);
    const { json: begun } = await anew(id);
    expect(begun.software_deployment).toMatchObject({ status: "IN_PROGRESS", status_reason: null });
    expect(await collect(await tenant.newLink())).toHaveLength(1);
    const { json } = await cancel(id, { body: { status_reason: "the wrong server" } });
    expect(json.software_deployment).toMatchObject({ status: "FAILED", status_reason: "the wrong server" });
  });

  it("a later status by hand ends it: canceled again it is 409", async () => {
    const { id } = await tenant.deployed();
    await cancel(id);
    await tenant.update(id, { status: "FAILED" });
    expect(await tenant.show(id)).toMatchObject({ status: "FAILED", status_reason: null });
    expectFault(await cancel(id), 409, "FAILED");
  });

  it("only a member cancels; a reason that is no text is 400", async () => {
    const delegate = await newTenant(["heat_stack_user"]);
    const { id } = await tenant.deployed({ stack_user_project_id: delegate.project });
    const path = `${pathOf(id)}/cancel`;
    const user = await newTenant(["heat_stack_user"], tenant.project);
    for (const other of [user, await newTenant(["reader"], tenant.project)])
      expectFault(await other.call("POST", path), 401);
    expectFault(await cancel(id, { body: { status_reason: 5 } }), 400, "status_reason");
    expectFault(await cancel(id, { body: "[]" }), 400);
    expect((await tenant.show(id)).status).toBe("IN_PROGRESS");
  });
});

describe("many at once", () => {
  const many = (what: string, body: object, headers = {}) =>
    tenant.call("POST", `/software_deployments/${what}`, { body, headers });

  it("cancel says what has become of each, in the order asked", async () => {
    const open = await tenant.deployed();
    const done = await tenant.deployed({ status: "COMPLETE" });
    const ids = [done.id, NOBODY, open.id.toUpperCase()];
    const { status, json } = await many("cancel", { ids });
    expect(status).toBe(200);
    expect(json.results).toMatchObject([
      { id: ids[0], code: 409, message: expect.stringContaining("COMPLETE") },
      { id: ids[1], code: 404, message: expect.stringContaining(NOBODY) },
      { id: ids[2], code: 200, status: "FAILED" },
    ]);
    expect((await many("cancel", { ids: [open.id] })).json.results).toMatchObject([{ code: 200 }]);
  });

  it("a repeat of a rerun under its key does what was not done, and nothing twice", async () => {
    const made: string[] = [];
    for (let i = 0; i < 40; i += 1) made.push((await tenant.deployed({ status: "FAILED" })).id);
    const key = { "idempotency-key": crypto.randomUUID() };
    await many("rerun", { ids: made.slice(0, 20) }, key);
    // On a busy machine a request may have no time left for some.
    const again = await eventually("all are done", async () => {
      const { results } = (await many("rerun", { ids: made }, key)).json;
      return results.every(({ code }: any) => code === 200) ? results : undefined;
    });
    expect(again.map(({ id }: any) => id)).toEqual(made);
    for (const id of made) {
      const events = await tenant.eventsOf(id);
      expect(events.filter(({ event }) => event === "rerun")).toHaveLength(1);
    }
    const [canceled] = (await many("cancel", { ids: made.slice(0, 1) }, key)).json.results;
    expect(canceled).toMatchObject({ code: 200, status: "FAILED" });
    await many("rerun", { ids: made.slice(0, 1) });
    const events = await tenant.eventsOf(made[0] ?? "");
    expect(events.filter(({ event }) => event === "rerun")).toHaveLength(2);
  });

  it("none, more than 100, and one that is named twice are 400", async () => {
    for (const [ids, words] of [
      [[], "1 to 100"],
      [Array.from({ length: 101 }, () => crypto.randomUUID()), "1 to 100"],
      [[NOBODY, NOBODY.toUpperCase()], "twice"],
    ] as const)
      for (const what of ["cancel", "rerun"]) expectFault(await many(what, { ids }), 400, "ids", words);
  });
});

if (!clockMoves)
  process.stderr.write(
    "left out: what waits for minutes and more, as this service's clock cannot be moved\n",
  );

describe("not_before", () => {
  /** A time in the API's form, to the second. */
  const ahead = (seconds: number): string =>
    `${new Date(Math.ceil(Date.now() / 1_000 + seconds) * 1_000).toISOString().slice(0, 19)}Z`;

  it.runIf(clockMoves)(
    "a deployment is handed out once its time has come, and its time limit counts from then",
    async () => {
      stopClock();
      const link = await tenant.newLink();
      const { id, not_before } = await tenant.deployed({ not_before: ahead(120), timeout: 60 });
      expect(not_before).toBe(ahead(120));
      const early = await byLink("GET", link);
      expect(early.json.deployments).toEqual([]);
      const waiting = async (value: string) =>
        (await tenant.call("GET", `/software_deployments?waiting=${value}`)).json.software_deployments.length;
      expect([await waiting("true"), await waiting("false")]).toEqual([1, 0]);
      await later(119_000);
      const conditional = { headers: { "if-none-match": early.headers.etag ?? "" } };
      expect((await byLink("GET", link, conditional)).status).toBe(304);
      await later(2_000);
      const due = await byLink("GET", link, conditional);
      expect([due.status, due.json.deployments.length]).toEqual([200, 1]);
      expect([await waiting("true"), await waiting("false")]).toEqual([0, 1]);
      await later(57_000);
      expect((await tenant.show(id)).status).toBe("IN_PROGRESS");
      await later(3_000);
      expect((await tenant.show(id)).status_reason).toContain("Timed out after 60 seconds");
    },
  );

  it.runIf(clockMoves)("Last-Modified tells a not_before that has come", async () => {
    stopClock();
    const link = await tenant.newLink();
    await tenant.deployed({ not_before: ahead(60) });
    await later(30_000);
    const before = (await byLink("HEAD", link)).headers["last-modified"] ?? "";
    await later(60_000);
    await collect(link);
    const after = (await byLink("HEAD", link)).headers["last-modified"] ?? "";
    expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
  });

  it.runIf(clockMoves)("the link of a deployment of next year is good when it is due", async () => {
    stopClock();
    const { id } = await tenant.deployed({ not_before: ahead(360 * 86_400) });
    await later(360 * 86_400_000 + 1_000);
    tenant = await newDeliveringTenant(tenant.project);
    const signal = await signalLink(await tenant.newLink());
    expect((await byLink("PUT", signal, { body: { result: 1 } })).status).toBe(200);
    expect((await tenant.show(id)).status).toBe("COMPLETE");
  });

  it("PATCH moves it back and forth and takes it away; one that was collected, or is over, is 409", async () => {
    const { id } = await tenant.deployed();
    const patch = (body: object) => tenant.call("PATCH", pathOf(id), { body });
    const link = await tenant.newLink();
    for (const seconds of [7_200, 3_600, 10_800]) {
      expect((await patch({ not_before: ahead(seconds) })).status).toBe(200);
      expect(await collect(link)).toEqual([]);
    }
    expect((await tenant.update(id, { not_before: null })).json.software_deployment).toHaveProperty(
      "not_before",
    );
    expect((await patch({ not_before: null })).json.software_deployment).not.toHaveProperty("not_before");
    expect(await collect(link)).toHaveLength(1);
    expectFault(await patch({ not_before: ahead(60) }), 409, "not_before", "collected");
    expect((await patch({ not_before: ahead(600), action: "NEXT" })).status).toBe(200);
    expect(await collect(link)).toEqual([]);
    await tenant.update(id, { status: "COMPLETE" });
    expectFault(await patch({ not_before: ahead(60) }), 409, "not_before", "COMPLETE");
  });

  it.runIf(clockMoves)(
    "a rerun, and a change of what is delivered, keep one that lies ahead; a rerun takes another",
    async () => {
      const { id } = await tenant.deployed({ not_before: ahead(1_000) });
      const first = (await tenant.show(id)).not_before;
      const rerun = (body?: object) => tenant.call("POST", `${pathOf(id)}/rerun`, body && { body });
      expect((await rerun()).json.software_deployment.not_before).toBe(first);
      expect((await tenant.update(id, { action: "B" })).json.software_deployment.not_before).toBe(first);
      const second = ahead(2_000);
      expect((await rerun({ not_before: second })).json.software_deployment.not_before).toBe(second);
      stopClock();
      await later(2_100_000);
      expect((await rerun()).json.software_deployment).not.toHaveProperty("not_before");
    },
  );

  it.each([
    ["2027-01-01", "zone"],
    ["2027-02-30T00:00:00Z", "zone"],
    ["2027-01-01T00:00:00", "zone"],
    ["tomorrow", "zone"],
    [5, "zone"],
    ["2999-01-01T00:00:00Z", "year"],
  ])("%j is 400 that names the field", async (not_before, words) => {
    const body = { config_id: "c", server_id: "s", not_before };
    expectFault(await tenant.call("POST", "/software_deployments", { body }), 400, "not_before", words);
    const { id } = await tenant.deployed();
    for (const method of ["PUT", "PATCH"])
      expectFault(await tenant.call(method, pathOf(id), { body: { not_before } }), 400, "not_before");
    expectFault(
      await tenant.call("POST", `${pathOf(id)}/rerun`, { body: { not_before } }),
      400,
      "not_before",
    );
  });

  it("with a status that is over it is 400 in a create; in the past it is at once; a zone counts", async () => {
    const body = { config_id: "c", server_id: "s", not_before: ahead(60) };
    for (const status of ["COMPLETE", "FAILED"])
      expectFault(
        await tenant.call("POST", "/software_deployments", { body: { ...body, status } }),
        400,
        "not_before",
      );
    await tenant.deployed({ not_before: "2020-01-01T00:00:00Z" });
    expect(await collect(await tenant.newLink())).toHaveLength(1);
    const { not_before } = await tenant.deployed({ not_before: "2020-01-01T02:00:00.5+02:00" });
    expect(not_before).toBe("2020-01-01T00:00:01Z");
  });

  it("one that waits can be canceled", async () => {
    const { id } = await tenant.deployed({ not_before: ahead(60) });
    expect((await cancel(id)).json.software_deployment).toMatchObject({
      status_reason: "Canceled before the server collected it",
    });
  });
});
