import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { forgetConfig } from "../../lib/config/store/read.ts";
import { request } from "../support/api.ts";
import { newTenant, type Tenant } from "../support/deployments.ts";
import type { InjectedFault } from "../support/fault-proxy.ts";
import { injectFaults, limitCallsAsDeployed, operations, proxy } from "../support/fault-proxy-setup.ts";
import { expectFault } from "../support/faults.ts";
import { indexEntries, storeAttribute, storedItem, storedItems } from "../support/table.ts";

let tenant: Tenant;

const target = (href: string): string => href.slice(new URL(href).origin.length);

const deployed = async (server: string) => {
  const { id } = await tenant.configure({ outputs: [{ name: "result" }] });
  const deployment = await tenant.deploy({ config_id: id, server_id: server });
  const { json } = await tenant.call("POST", `/software_deployments/metadata/${server}/link`);
  return { id: deployment.id, config_id: id, link: target(json.metadata_url) };
};

const signalOf = (answer: any): string =>
  target(answer.deployments[0].inputs.find(({ name }: any) => name === "deploy_signal_id").value);

const show = async (id: string) =>
  (await tenant.call("GET", `/software_deployments/${id}`)).json.software_deployment;

beforeAll(async () => {
  tenant = await newTenant();
});

const ahead = (ms: number): void => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
};

const update = (id: string, body: object) => tenant.call("PUT", `/software_deployments/${id}`, { body });

describe("a result that cannot be read", () => {
  it("is 200 where another result came first, and leaves nothing", async () => {
    const { id, link } = await deployed("broken");
    const signal = signalOf((await request("GET", link)).json);
    let done: unknown;
    const another = async () => {
      done = "soon";
      await request("PUT", signal, { body: { deploy_status_code: 0 } });
      done = await show(id);
      return "pass" as const;
    };
    proxy.decide = (operation) => (operation === "UpdateItem" && !done ? another() : "pass");
    expect((await request("PUT", signal, { body: "{" })).status).toBe(200);
    proxy.decide = () => "pass";
    expect(done).toMatchObject({ status: "COMPLETE" });
    expect(await show(id)).toEqual(done);
  });
});

describe("calls of a poll", () => {
  it("HEAD and 304: Query; GET: Query, BatchGetItem (configurations, then cached), UpdateItem for a new delivery", async () => {
    const { link, config_id } = await deployed("s1");
    forgetConfig(tenant.project, config_id);
    operations();
    const first = await request("GET", link);
    expect(operations()).toEqual(["Query", "BatchGetItem", "UpdateItem"]);
    await request("GET", link);
    expect(operations()).toEqual(["Query"]);
    await request("HEAD", link);
    await request("GET", link, { headers: { "if-none-match": first.headers.etag ?? "" } });
    expect(operations()).toEqual(["Query", "Query"]);
  });

  it("a delivery that has changed since the index knew it is left out of a poll, and not recorded", async () => {
    const { id, link } = await deployed("moved");
    const [entry] = await indexEntries(tenant.project, "moved");
    await tenant.call("PUT", `/software_deployments/${id}`, { body: { action: "AGAIN" } });
    const before = await show(id);
    injectFaults({ answer: { Items: [entry], Count: 1 } });
    const { status, json } = await request("GET", link);
    expect([status, json.deployments]).toEqual([200, []]);
    expect(await show(id)).toEqual(before);
    expect((await request("GET", link)).json.deployments).toHaveLength(1);
    expect(await show(id)).toHaveProperty("collected_time");
  });

  it("a delivery that was collected, which the index does not know yet, is handed out again", async () => {
    const { id, link } = await deployed("known");
    const [entry] = await indexEntries(tenant.project, "known");
    const first = await request("GET", link);
    const { collected_time } = await show(id);
    injectFaults({ answer: { Items: [entry], Count: 1 } });
    expect((await request("GET", link)).text).toBe(first.text);
    expect(await show(id)).toMatchObject({ collected_time });
  });

  it("a run that was ended, whose result would not count, is left out of a poll", async () => {
    const { id, link } = await deployed("ended");
    const [entry] = await indexEntries(tenant.project, "ended");
    for (const status of ["COMPLETE", "IN_PROGRESS"])
      await tenant.call("PUT", `/software_deployments/${id}`, { body: { status } });
    injectFaults({ answer: { Items: [entry], Count: 1 } });
    expect((await request("GET", link)).json.deployments).toEqual([]);
    const signal = signalOf((await request("GET", link)).json);
    await request("PUT", signal, { body: { deploy_status_code: 0 } });
    expect(await show(id)).toMatchObject({ status: "COMPLETE" });
  });

  it.each<InjectedFault>(["fail", "hang"])(
    "a poll leaves a delivery out that DynamoDB cannot record as collected (%s), and has no validators",
    async (trouble) => {
      if (trouble === "hang") limitCallsAsDeployed();
      const { id, link } = await deployed(`s2-${String(trouble)}`);
      proxy.decide = (operation) => (operation === "UpdateItem" ? trouble : "pass");
      const without = await request("GET", link);
      expect([without.status, without.json.deployments, without.headers.etag]).toEqual([200, [], undefined]);
      expect(await show(id)).not.toHaveProperty("collected_time");
      proxy.decide = () => "pass";
      expect((await request("GET", link)).json.deployments).toHaveLength(1);
      expect(await show(id)).toHaveProperty("collected_time");
    },
  );

  it("a poll hands out 200 deliveries for the first time, recorded 25 at a time, and the next poll the rest", async () => {
    const { id } = await tenant.configure();
    await Promise.all(Array.from({ length: 210 }, () => tenant.deploy({ config_id: id, server_id: "many" })));
    const { json } = await tenant.call("POST", "/software_deployments/metadata/many/link");
    const link = target(json.metadata_url);
    const first = await request("GET", link);
    expect([first.json.deployments.length, first.headers.etag]).toEqual([200, undefined]);
    const second = await request("GET", link);
    expect([second.json.deployments.length, second.headers.etag !== undefined]).toEqual([210, true]);
  });

  it.each([
    ["was set FAILED", () => ({ status: "FAILED" })],
    ["ran into its time limit", () => ({ timeout: 1 })],
  ])(
    "a delivery that %s, of which the index does not know yet, is left out and not recorded",
    async (_, body) => {
      const { id, link } = await deployed(`given-up-${Object.keys(body())[0]}`);
      const [entry] = await indexEntries(tenant.project, `given-up-${Object.keys(body())[0]}`);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
      await tenant.call("PUT", `/software_deployments/${id}`, { body: body() });
      vi.setSystemTime(Date.now() + 2_000);
      injectFaults({ answer: { Items: [entry], Count: 1 } });
      const stale = await request("GET", link);
      expect([stale.json.deployments, stale.headers.etag]).toEqual([[], undefined]);
      const later = await request("GET", link);
      expect([later.json.deployments, later.headers.etag !== undefined]).toEqual([[], true]);
      expect(await show(id)).toMatchObject({ status: "FAILED" });
      expect(await show(id)).not.toHaveProperty("collected_time");
      vi.useRealTimers();
    },
  );

  it("a poll is 503 when DynamoDB does not answer", async () => {
    const { link } = await deployed("s3");
    proxy.decide = () => "fail";
    expectFault(await request("GET", link), 503);
  });
});

describe("many in one request", () => {
  const many = async (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, async () => (await deployed("many")).id));

  const cancel = (ids: string[]) =>
    tenant.call("POST", "/software_deployments/cancel", {
      body: { ids },
      headers: { "idempotency-key": "k" },
    });

  it("none begins in the last second: those are 503, and a repeat does them", async () => {
    const ids = await many(20);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    proxy.decide = (operation) => {
      if (operation === "UpdateItem" && vi.isFakeTimers()) vi.setSystemTime(Date.now() + 9_000);
      return "pass";
    };
    const first = (await cancel(ids)).json.results.map(({ code }: { code: number }) => code);
    expect(new Set(first)).toEqual(new Set([200, 503]));
    expect(first.filter((code: number) => code === 200).length).toBeLessThanOrEqual(16);
    vi.useRealTimers();
    proxy.decide = () => "pass";
    const again = (await cancel(ids)).json.results.map(({ code }: { code: number }) => code);
    expect(again).toEqual(ids.map(() => 200));
    expect(operations().length).toBeGreaterThan(0);
  });

  it("a failure of ours is the result of one, and the others are done", async () => {
    const ids = await many(3);
    let failed = false;
    proxy.decide = (operation) => {
      if (operation !== "UpdateItem" || failed) return "pass";
      failed = true;
      return "deny";
    };
    const { status, json } = await cancel(ids);
    proxy.decide = () => "pass";
    expect(status).toBe(200);
    const codes = json.results.map(({ code }: { code: number }) => code).toSorted();
    expect(codes).toEqual([200, 200, 500]);
    expect(JSON.stringify(json)).not.toContain("AccessDenied");
  });
});

describe("time of a change", () => {
  it("a slow change counts from when it is written, so that Last-Modified is not older than an earlier poll", async () => {
    limitCallsAsDeployed();
    const { id } = await deployed("slow");
    const changedIn = async (row: string) =>
      (await storedItems(tenant.project)).find((item) => item.id.startsWith(row))?.changedAt;
    const started = Math.floor(Date.now() / 1_000);
    const slowly = (operation: string) => {
      let first = true;
      proxy.decide = (called) => {
        if (called !== operation || !first) return "pass";
        first = false;
        return "hang";
      };
    };
    slowly("GetItem");
    const body = { input_values: { noise: crypto.getRandomValues(new Uint8Array(9_000)).toString() } };
    await tenant.call("PUT", `/software_deployments/${id}`, { body });
    expect(await changedIn(id)).toBeGreaterThan(started);
    slowly("GetItem");
    await tenant.call("DELETE", `/software_deployments/${id}`);
    expect(await changedIn("server#")).toBeGreaterThan(started + 1);
  });
});

describe("a poll that leaves something out", () => {
  afterEach(() => vi.useRealTimers());

  it("os-collect-config comes again for a delivery that could not be recorded at its first poll", async () => {
    const { id, link } = await deployed("throttled");
    ahead(60_000);
    const poll = async (last: string | undefined): Promise<string | undefined> => {
      const { headers } = await request("HEAD", link);
      const time = headers["last-modified"];
      if (!time || time !== last) await request("GET", link);
      return time;
    };
    proxy.decide = (operation) => (operation === "UpdateItem" ? "throttle" : "pass");
    const last = await poll(undefined);
    proxy.decide = () => "pass";
    await poll(last);
    vi.useRealTimers();
    expect(await show(id)).toHaveProperty("collected_time");
  });

  it("a delivery whose time limit passes while a poll reads is left out", async () => {
    const { id, link } = await deployed("passes");
    await update(id, { timeout: 60 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    proxy.decide = (operation) => {
      if (operation === "Query") vi.setSystemTime(Date.now() + 61_000);
      return "pass";
    };
    const { json, headers } = await request("GET", link);
    proxy.decide = () => "pass";
    expect([json.deployments, headers.etag]).toEqual([[], undefined]);
    vi.useRealTimers();
    expect(await show(id)).not.toHaveProperty("collected_time");
  });

  it("a deployment whose inputs cannot be read is left out, and hides no other", async () => {
    const { link } = await deployed("damaged");
    const { id } = await deployed("damaged");
    await storeAttribute(tenant.project, id, "input_values", "[]");
    const { status, json, headers } = await request("GET", link);
    expect([status, json.deployments.length, headers.etag]).toEqual([200, 1, undefined]);
    expect(await storedItem(tenant.project, id)).not.toHaveProperty("collected_time");
  });
});

describe("lifetime of a signal link", () => {
  const DAY = 86_400_000;

  afterEach(() => vi.useRealTimers());

  it("a signal link stays the same during its run, and valid as long as a time limit that is set later", async () => {
    const { id, link } = await deployed("longer");
    await update(id, { timeout: 60 });
    await update(id, { input_values: { a: 1 } });
    const signal = signalOf((await request("GET", link)).json);
    await update(id, { timeout: 10 * 86_400 });
    expect(signalOf((await request("GET", link)).json)).toBe(signal);
    ahead(9 * DAY);
    expect((await request("PUT", signal, { body: { result: 1 } })).status).toBe(200);
    vi.useRealTimers();
    expect(await show(id)).toMatchObject({ status: "COMPLETE", output_values: { result: 1 } });
    ahead(11 * DAY);
    expectFault(await request("PUT", signal, { body: {} }), 401, "link");
  });

  it("status IN_PROGRESS makes the earlier signal link void; the result by the new one counts", async () => {
    const { id, link } = await deployed("again");
    const first = signalOf((await request("GET", link)).json);
    await request("PUT", first, { body: { result: 1 } });
    await update(id, { status: "IN_PROGRESS" });
    expect((await request("PUT", first, { body: { result: "forged" } })).status).toBe(200);
    expect(await show(id)).toMatchObject({ status: "IN_PROGRESS", output_values: { result: 1 } });
    const second = signalOf((await request("GET", link)).json);
    expect(second).not.toBe(first);
    await request("PUT", second, { body: { result: 2 } });
    expect(await show(id)).toMatchObject({ status: "COMPLETE", output_values: { result: 2 } });
  });

  it("a signal link ends an hour after the deadline, or after 30 days without one, and is then 401", async () => {
    const limited = await deployed("limited");
    await update(limited.id, { timeout: 60, action: "RUN" });
    const unlimited = await deployed("unlimited");
    const signals = [];
    for (const { link } of [limited, unlimited]) signals.push(signalOf((await request("GET", link)).json));
    const [first = "", second = ""] = signals;
    ahead(3_500_000);
    expect((await request("PUT", first, { body: {} })).status).toBe(200);
    vi.setSystemTime(Date.now() + 200_000);
    expectFault(await request("PUT", first, { body: {} }), 401, "link");
    vi.setSystemTime(Date.now() + 30 * DAY);
    expectFault(await request("PUT", second, { body: {} }), 401, "link");
    vi.useRealTimers();
    // The first came after the time limit, but before the link's end: its outputs are kept.
    const late = { deploy_stdout: null, deploy_stderr: null, deploy_status_code: null };
    expect(await show(limited.id)).toMatchObject({ status: "FAILED", output_values: late });
    expect(await show(unlimited.id)).toMatchObject({ output_values: null });
  });
});

describe("signal while DynamoDB fails", () => {
  it.each<InjectedFault>(["throttle", "fail", "cut-before"])(
    "a signal during a fault (%s) is 503 with Retry-After; sent again, it counts",
    async (trouble) => {
      const { id, link } = await deployed(`trouble-${String(trouble)}`);
      const signal = signalOf((await request("GET", link)).json);
      proxy.decide = () => trouble;
      const reply = await request("PUT", signal, { body: { result: 1 } });
      expectFault(reply, 503);
      expect(reply.headers["retry-after"]).toMatch(/^\d+$/);
      proxy.decide = () => "pass";
      await request("PUT", signal, { body: { result: 1 } });
      expect(await show(id)).toMatchObject({ status: "COMPLETE", output_values: { result: 1 } });
    },
  );

  it("a signal counts although another container's clock was ahead", async () => {
    const { id, link } = await deployed("ahead");
    const signal = signalOf((await request("GET", link)).json);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 30_000 });
    await tenant.call("PUT", `/software_deployments/${id}`, { body: { status_reason: "meanwhile" } });
    vi.useRealTimers();
    expect((await request("PUT", signal, { body: { result: 1 } })).status).toBe(200);
    expect(await show(id)).toMatchObject({ status: "COMPLETE", output_values: { result: 1 } });
  });

  it("a signal whose write's answer was lost counts once", async () => {
    const { id, link } = await deployed("lost");
    const signal = signalOf((await request("GET", link)).json);
    const next: InjectedFault[] = ["pass", "pass", "cut-after"];
    proxy.decide = () => next.shift() ?? "pass";
    expect((await request("PUT", signal, { body: { result: 1 } })).status).toBe(200);
    const { json } = await tenant.call("GET", `/software_deployments/${id}/events`);
    expect(json.events.map(({ event }: any) => event)).toEqual(["created", "collected", "signalled"]);
  });
});

describe("revoking a server's links", () => {
  it("revoking by a container whose clock is behind makes no revoked link valid again", async () => {
    const { link } = await deployed("clocks");
    const revoke = () => tenant.call("DELETE", "/software_deployments/metadata/clocks/link");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    expect((await revoke()).status).toBe(204);
    vi.setSystemTime(Date.now() - 120_000);
    expect((await revoke()).status).toBe(204);
    vi.useRealTimers();
    expectFault(await request("GET", link), 401, "revoked");
  });

  it("revoking includes a link that was issued in the same millisecond", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const member = await newTenant();
    const path = "/software_deployments/metadata/same/link";
    const { json } = await member.call("POST", path);
    expect((await member.call("DELETE", path)).status).toBe(204);
    expectFault(await request("GET", target(json.metadata_url)), 401, "revoked");
    vi.useRealTimers();
  });
});

describe("renewal of a server's link", () => {
  const HALF = 45 * 86_400_000;

  it("after half of its life a server's link gets a successor, the same at every poll, with a new ETag; revoking ends both", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const member = await newTenant();
    const { json } = await member.call("POST", "/software_deployments/metadata/half/link");
    const link = target(json.metadata_url);
    const ownLink = (text: string): string =>
      target(JSON.parse(text)["os-collect-config"].request.metadata_url);
    const before = await request("GET", link);
    expect(ownLink(before.text)).toBe(link);
    vi.setSystemTime(Date.now() + HALF - 2_000);
    expect((await request("GET", link)).text).toBe(before.text);
    vi.setSystemTime(Date.now() + 20_000);
    const etag = before.headers.etag ?? "";
    const after = await request("GET", link, { headers: { "if-none-match": etag } });
    expect(after.status).toBe(200);
    const successor = ownLink(after.text);
    expect(successor).not.toBe(link);
    vi.setSystemTime(Date.now() + 5 * 86_400_000);
    const later = await request("GET", link, { headers: { "if-none-match": after.headers.etag ?? "" } });
    expect(later.status).toBe(304);
    expect((await request("GET", link)).text).toBe(after.text);
    const since = { "if-modified-since": after.headers["last-modified"] ?? "" };
    expect((await request("GET", link, { headers: since })).status).toBe(304);
    const old = { "if-modified-since": new Date(Date.now() - 60 * 86_400_000).toUTCString() };
    expect((await request("GET", link, { headers: old })).status).toBe(200);
    // The agent goes on by the successor, far beyond the end of the first link.
    vi.setSystemTime(Date.now() + 60 * 86_400_000);
    expectFault(await request("GET", link), 401);
    const renewed = await request("GET", successor);
    expect(renewed.status).toBe(200);
    const aged = await newTenant(["member"], member.project);
    expect((await aged.call("DELETE", "/software_deployments/metadata/half/link")).status).toBe(204);
    for (const one of [successor, ownLink(renewed.text)]) expectFault(await request("GET", one), 401);
    vi.useRealTimers();
  });
});
