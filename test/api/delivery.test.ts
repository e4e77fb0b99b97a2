import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { type Call, type Reply, request } from "../support/api.ts";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

/** The path and query of an address that the service gave out. */
const target = (href: string): string => href.slice(new URL(href).origin.length);

const newLink = async (server = "a-server"): Promise<string> => {
  const reply = await tenant.call(
    "POST",
    `/software_deployments/metadata/${encodeURIComponent(server)}/link`,
  );
  expect(reply.status).toBe(200);
  return target(reply.json.metadata_url);
};

const byLink = (method: string, link: string, call: Call = {}): Promise<Reply> => request(method, link, call);

const collect = async (link: string): Promise<Record<string, any>[]> => {
  const reply = await byLink("GET", link);
  expect(reply.status).toBe(200);
  return reply.json.deployments;
};

const inputOf = (config: Record<string, any> | undefined, name: string): any =>
  config?.inputs.find((input: any) => input.name === name)?.value;

const show = async (id: string) =>
  (await tenant.call("GET", `/software_deployments/${id}`)).json.software_deployment;

const update = (id: string, body: object) => tenant.call("PUT", `/software_deployments/${id}`, { body });

const eventsOf = async (id: string): Promise<any[]> =>
  (await tenant.call("GET", `/software_deployments/${id}/events`)).json.events;

const deployed = async (deployment: object = {}, config: object = {}) => {
  const outputs = [{ name: "result" }, { name: "problem", error_output: true }];
  const { id } = await tenant.configure({ config: "echo", outputs, ...config });
  return tenant.deploy({ config_id: id, ...deployment });
};

const signalLink = async (link: string): Promise<string> =>
  target(inputOf((await collect(link))[0], "deploy_signal_id"));

describe("a server's link", () => {
  it("tells its expiry, and what its server is to run, without other credentials", async () => {
    const { json } = await tenant.call("POST", "/software_deployments/metadata/s%2F1/link");
    expect(Date.parse(json.expires_at) - Date.now()).toBeGreaterThan(89 * 86_400_000);
    expect(new URL(json.metadata_url).pathname).not.toContain("s");
  });

  it("of a server nobody knows has nothing to run", async () => {
    const link = await newLink("s/1");
    const reply = await byLink("GET", link);
    expect([reply.json, reply.headers["last-modified"]]).toEqual([{ deployments: [] }, undefined]);
  });

  it("needs a member to make, and to revoke", async () => {
    const reader = await newTenant(["reader"], tenant.project);
    const stranger = await newTenant();
    for (const method of ["POST", "DELETE"]) {
      expectFault(await reader.call(method, "/software_deployments/metadata/s/link"), 401);
      const foreign = `/v1/${tenant.project}/software_deployments/metadata/s/link`;
      expectFault(await request(method, foreign, { token: stranger.token }), 401);
    }
  });

  it("is for its server and project alone, for collecting alone, and for nothing when a character is changed", async () => {
    await deployed({ server_id: "other" });
    const link = await newLink();
    expect(await collect(link)).toEqual([]);
    expectFault(await byLink("PUT", link.replace("metadata", "signal"), { body: {} }), 401);
    const start = link.indexOf("=") + 1;
    for (let at = start; at < link.length; at += 5) {
      const changed = `${link.slice(0, at)}${link[at] === "A" ? "B" : "A"}${link.slice(at + 1)}`;
      expectFault(await byLink("GET", changed), 401);
    }
    for (const none of ["/agent/metadata", "/agent/metadata?capability=", "/agent/metadata?capability=a.b"]) {
      expectFault(await byLink("GET", none), 401);
    }
    expectFault(await request("GET", "/agent/metadata", { token: tenant.token }), 401);
  });

  it("is revoked with all earlier ones of its server; a later one is valid", async () => {
    const [first, other] = [await newLink(), await newLink("other")];
    expect((await tenant.call("DELETE", "/software_deployments/metadata/a-server/link")).status).toBe(204);
    await sleep(5);
    const later = await newLink();
    expectFault(await byLink("GET", first), 401);
    expectFault(await byLink("HEAD", first).then((reply) => ({ ...reply, json: faultOf(reply) })), 401);
    expect([await collect(later), await collect(other)]).toEqual([[], []]);
  });

  // A HEAD has no body to look at.
  const faultOf = ({ status }: Reply) => ({
    code: status,
    title: "Unauthorized",
    explanation: ".",
    error: { type: "Unauthorized", message: "", traceback: null },
  });

  it("shows up in no list of deployments", async () => {
    await tenant.call("DELETE", "/software_deployments/metadata/a-server/link");
    const { id } = await tenant.deploy();
    await tenant.call("DELETE", `/software_deployments/${id}`);
    for (const query of ["", "?server_id=a-server", `?marker=${NOBODY}`]) {
      const { json } = await tenant.call("GET", `/software_deployments${query}`);
      expect(json).toEqual({ software_deployments: [] });
    }
  });
});

describe("collecting", () => {
  it("is the same to the byte, and 304 to who knows it, until something changes", async () => {
    const { id } = await deployed({ input_values: { a: 1 } });
    const link = await newLink();
    const first = await byLink("GET", link);
    const second = await byLink("GET", link);
    expect(second.text).toBe(first.text);
    const { etag = "" } = first.headers;
    for (const method of ["GET", "HEAD"]) {
      const same = await byLink(method, link, { headers: { "if-none-match": `"x", W/${etag}` } });
      expect([same.status, same.text, same.headers.etag]).toEqual([304, "", etag]);
    }
    const head = await byLink("HEAD", link);
    expect([head.status, head.text, head.headers.etag]).toEqual([200, "", etag]);
    await update(id, { status_reason: "still going" });
    const changed = await byLink("GET", link, { headers: { "if-none-match": etag } });
    expect(changed.status).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
  });

  it("tells its last change once that is 5 s old, a removal included", async () => {
    const [first, second] = [await deployed(), await deployed()];
    const link = await newLink();
    expect((await byLink("HEAD", link)).headers["last-modified"]).toBeUndefined();
    await sleep(5_100);
    const modified = (await byLink("HEAD", link)).headers["last-modified"] ?? "";
    expect(modified).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    expect((await byLink("GET", link, { headers: { "if-modified-since": modified } })).status).toBe(304);
    await tenant.call("DELETE", `/software_deployments/${second.id}`);
    expect((await byLink("HEAD", link)).headers["last-modified"]).toBeUndefined();
    expect(await collect(link)).toHaveLength(1);
    await sleep(5_100);
    const later = (await byLink("HEAD", link)).headers["last-modified"] ?? "";
    expect(Date.parse(later)).toBeGreaterThan(Date.parse(modified));
    expect((await show(first.id)).status).toBe("IN_PROGRESS");
  }, 20_000);

  it("is recorded once, by GET alone, and is no change", async () => {
    const { id } = await deployed();
    const link = await newLink();
    await byLink("HEAD", link);
    await tenant.call("GET", "/software_deployments/metadata/a-server");
    expect(await show(id)).not.toHaveProperty("collected_time");
    const first = await byLink("GET", link);
    const collected = await show(id);
    expect(collected.collected_time).toMatch(/Z$/);
    expect(collected).not.toHaveProperty("updated_time");
    expect((await byLink("GET", link)).headers.etag).toBe(first.headers.etag);
    expect((await eventsOf(id)).map(({ event }) => event)).toEqual(["created", "collected"]);
    await update(id, { input_values: { a: 2 } });
    expect(await show(id)).not.toHaveProperty("collected_time");
  });
});

describe("a signal by its link", () => {
  it.each(["PUT", "POST"])(
    "%s completes the deployment with its outputs; later ones change nothing",
    async (method) => {
      const { id } = await deployed();
      const signal = await signalLink(await newLink());
      const body = { deploy_stdout: "hi", deploy_status_code: 0, result: "The result", other: 1 };
      const reply = await byLink(method, signal, { body, headers: { "content-type": "" } });
      expect([reply.status, reply.json]).toEqual([200, {}]);
      const done = await show(id);
      expect(done).toMatchObject({
        status: "COMPLETE",
        status_reason: "Outputs received",
        output_values: {
          result: "The result",
          deploy_stdout: "hi",
          deploy_stderr: null,
          deploy_status_code: 0,
        },
      });
      expect((await byLink(method, signal, { body: { deploy_status_code: 1 } })).status).toBe(200);
      expect(await show(id)).toEqual(done);
      const [config] = await collect(await newLink());
      expect(inputOf(config, "deploy_signal_id")).toBeUndefined();
    },
  );

  it("fails the deployment with the exit code and the declared error", async () => {
    const { id } = await deployed();
    const signal = await signalLink(await newLink());
    await byLink("PUT", signal, { body: { deploy_status_code: "2", problem: "disk full" } });
    expect(await show(id)).toMatchObject({
      status: "FAILED",
      status_reason:
        "deploy_status_code : Deployment exited with non-zero status code: 2, problem : disk full",
    });
  });

  it("takes no body for {}, whatever its type; refuses what is no object and changes nothing", async () => {
    const { id } = await deployed();
    const signal = await signalLink(await newLink());
    for (const body of ["[]", '"x"', "5", "{"]) expectFault(await byLink("PUT", signal, { body }), 400);
    expect((await show(id)).status).toBe("IN_PROGRESS");
    await byLink("PUT", signal, { headers: { "content-type": "application/octet-stream" } });
    expect((await show(id)).status).toBe("COMPLETE");
  });

  it("for an older delivery is taken and ignored", async () => {
    const { id } = await deployed();
    const link = await newLink();
    const old = await signalLink(link);
    await update(id, { input_values: { a: 2 } });
    expect((await byLink("PUT", old, { body: {} })).status).toBe(200);
    expect((await show(id)).status).toBe("IN_PROGRESS");
    await byLink("PUT", await signalLink(link), { body: {} });
    expect((await show(id)).status).toBe("COMPLETE");
  });

  it("counts once of 20 at a time: one event, all answered 200", async () => {
    const { id } = await deployed();
    const signal = await signalLink(await newLink());
    const sent = Array.from({ length: 20 }, (_, i) => byLink("PUT", signal, { body: { result: i } }));
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual(sent.map(() => 200));
    expect((await eventsOf(id)).filter(({ event }) => event === "signalled")).toHaveLength(1);
  });

  it("may carry 950,000 bytes, of logs or of noise", async () => {
    const deploy_stdout = "2026-11-23 21:00:00 INFO a line of a log\n".repeat(23_000).slice(0, 940_000);
    const log = await deployed();
    await byLink("PUT", await signalLink(await newLink()), { body: { deploy_stdout } });
    expect((await show(log.id)).output_values.deploy_stdout).toBe(deploy_stdout);
    const noise = Array.from({ length: 26_300 }, () => crypto.randomUUID()).join("");
    const noisy = await deployed({ server_id: "noisy" });
    await byLink("PUT", await signalLink(await newLink("noisy")), { body: { deploy_stdout: noise } });
    const { status, output_values } = await show(noisy.id);
    expect(status).toBe("COMPLETE");
    expect(output_values.deploy_stdout).toMatch(/\[… \d+ bytes are missing here …\]/);
    expect(output_values.deploy_stdout.slice(-100)).toBe(noise.slice(-100));
  });

  it("is for nothing else", async () => {
    await deployed();
    const signal = await signalLink(await newLink());
    expectFault(await byLink("GET", signal.replace("signal", "metadata")), 401);
    expectFault(await byLink("PUT", `${signal}x`, { body: {} }), 401);
    expectFault(await byLink("PUT", "/agent/signal", { body: "{" }), 401);
  });
});

describe("a signal by a token", () => {
  const signal = (id: string, body: object, token = tenant.token) =>
    request("POST", `/v1/${tenant.project}/software_deployments/${id}/signal`, { token, body });

  it("of a member, and of the delegated tenant", async () => {
    const delegate = await newTenant(["heat_stack_user"]);
    const [mine, theirs] = [await deployed(), await deployed({ stack_user_project_id: delegate.project })];
    expect((await signal(mine.id, { result: 1 })).json).toEqual({});
    expect((await signal(theirs.id, { result: 2 }, delegate.token)).json).toEqual({});
    expect(await show(mine.id)).toMatchObject({ status: "COMPLETE", output_values: { result: 1 } });
    expect((await eventsOf(theirs.id)).at(-1)).toMatchObject({ event: "signalled", by: "delegated tenant" });
    expectFault(await signal((await deployed()).id, {}, delegate.token), 404);
    expectFault(await signal(NOBODY, {}), 404);
  });

  it("is not for a reader, who is given no links for signals either", async () => {
    const { id } = await deployed();
    const reader = await newTenant(["reader"], tenant.project);
    expectFault(await signal(id, {}, reader.token), 401);
    const { json } = await reader.call("GET", "/software_deployments/metadata/a-server");
    expect(inputOf(json.metadata[0], "deploy_signal_id")).toBeUndefined();
  });
});

describe("a time limit", () => {
  it("that has passed fails the deployment for every reader; a signal after it changes nothing", async () => {
    const { id, timeout } = await deployed({ timeout: 1 });
    expect(timeout).toBe(1);
    const link = await newLink();
    await sleep(1_100);
    const failed = {
      status: "FAILED",
      status_reason: "Timed out after 1 seconds: the server never collected it",
    };
    expect(await show(id)).toMatchObject(failed);
    const { json } = await tenant.call("GET", "/software_deployments");
    expect(json.software_deployments[0]).toMatchObject(failed);
    const [config] = await collect(link);
    expect(inputOf(config, "deploy_signal_id")).toBeUndefined();
    const late = await tenant.call("POST", `/software_deployments/${id}/signal`, { body: {} });
    expect(late.status).toBe(200);
    expect((await show(id)).status).toBe("FAILED");
    expect((await eventsOf(id)).at(-1)).toMatchObject({ event: "timed_out", status_before: "IN_PROGRESS" });
  });

  it("says when the server collected what it sent no result of", async () => {
    const { id } = await deployed({ timeout: 2 });
    await collect(await newLink());
    await sleep(2_100);
    const { collected_time, status_reason } = await show(id);
    expect(status_reason).toBe(
      `Timed out after 2 seconds: the server collected it at ${collected_time} but sent no result`,
    );
  });

  it("is written by the next change, with its event", async () => {
    const { id } = await deployed({ timeout: 1 });
    await sleep(1_100);
    const { json } = await update(id, { action: "LATER" });
    expect(json.software_deployment).toMatchObject({ status: "FAILED", action: "LATER" });
    const history = (await eventsOf(id)).map(({ event, status_before, status_after }) => [
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

  it("that has passed does not stand in the way of a rerun, nor of another status", async () => {
    const { id } = await deployed({ timeout: 1 });
    await sleep(1_100);
    const { json } = await tenant.call("POST", `/software_deployments/${id}/rerun`);
    expect(json.software_deployment).toMatchObject({ status: "IN_PROGRESS", status_reason: null });
    await sleep(1_100);
    const complete = (await update(id, { status: "COMPLETE" })).json.software_deployment;
    expect(complete).toMatchObject({ status: "COMPLETE", status_reason: null });
  });

  it("counts from each entry into progress, and goes with 0", async () => {
    const { id } = await deployed({ timeout: 1 });
    await sleep(1_100);
    expect((await update(id, { status: "IN_PROGRESS" })).json.software_deployment.status).toBe("IN_PROGRESS");
    const without = (await update(id, { timeout: 0 })).json.software_deployment;
    expect(without).not.toHaveProperty("timeout");
    await sleep(1_100);
    expect((await show(id)).status).toBe("IN_PROGRESS");
    expect((await update(id, { timeout: 1 })).json.software_deployment.timeout).toBe(1);
    expect((await show(id)).status).toBe("FAILED");
  });

  it.each([0, -1, 1.5, 2_592_001, "60", true])("of %j is refused on create", async (timeout) => {
    const body = { config_id: "c", server_id: "s", timeout };
    expectFault(await tenant.call("POST", "/software_deployments", { body }), 400, "timeout");
  });
});

describe("rerun", () => {
  it("puts a deployment in progress again, without results, under a new delivery id", async () => {
    const { id } = await deployed();
    const link = await newLink();
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
    expect((await show(id)).status).toBe("COMPLETE");
    expectFault(await tenant.call("POST", `/software_deployments/${NOBODY}/rerun`), 404);
  });
});

describe("a configuration that a client derived itself", () => {
  it("goes out under its own id, and under another one when it is to be run once more", async () => {
    const inputs = [{ name: "deploy_server_id", value: "a-server" }];
    const { id } = await deployed({}, { inputs });
    const link = await newLink();
    const idOf = async () => (await collect(link))[0]?.id;
    const { config_id } = await show(id);
    await update(id, { input_values: { a: 1 } });
    expect(await idOf()).toBe(config_id);
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    const second = await idOf();
    expect(second).not.toBe(config_id);
    expect(await idOf()).toBe(second);
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    expect([config_id, second]).not.toContain(await idOf());
    // What was run before the rerun is to be run again: its own id would not be.
    await update(id, { config_id });
    expect([config_id, second]).not.toContain(await idOf());
  });
});

describe("the largest values", () => {
  const noise = (bytes: number): string =>
    Array.from({ length: Math.ceil(bytes / 36) }, () => crypto.randomUUID())
      .join("")
      .slice(0, bytes);

  it("of an update leave room for what follows, or are refused by name", async () => {
    const { id } = await deployed({ input_values: { a: noise(100_000) } });
    const before = await show(id);
    expectFault(await update(id, { output_values: { a: noise(600_000) } }), 400, "output_values: too large");
    expectFault(await update(id, { input_values: { a: noise(400_000) } }), 400, "input_values: too large");
    expect(await show(id)).toEqual(before);
    let bytes = 600_000;
    const outputs = () => update(id, { output_values: { a: noise(bytes) } });
    while ((await outputs()).status !== 200) bytes -= 4_000;
    expect(bytes).toBeGreaterThan(300_000);
    const reason = { status_reason: noise(8_000), action: "x".repeat(255), config_id: "y".repeat(255) };
    expect((await update(id, reason)).status).toBe(200);
    expectFault(await update(id, { status_reason: noise(60_000) }), 400, "status_reason: too large");
    for (let i = 0; i < 160; i += 1) expect((await update(id, {})).status).toBe(200);
    expect((await eventsOf(id)).length).toBeGreaterThanOrEqual(100);
  });
});

describe("history", () => {
  it("tells what happened, by whom, which fields, and the status before and after; never a value", async () => {
    const { id } = await deployed({ input_values: { secret: "canary" } });
    const link = await newLink();
    await update(id, { input_values: { secret: "canary-2" }, action: "B" });
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

  it("keeps at least the newest 100 events", async () => {
    const { id } = await deployed();
    await update(id, { status: "COMPLETE" });
    for (let i = 0; i < 160; i += 1) await update(id, { status_reason: `${i}` });
    const events = await eventsOf(id);
    expect(events[0]).toMatchObject({ status_before: "COMPLETE", status_after: "COMPLETE" });
    expect(events.length).toBeGreaterThanOrEqual(100);
    expect(events.length).toBeLessThanOrEqual(150);
    expect(events.at(-1)).toMatchObject({
      event: "changed",
      status_before: "COMPLETE",
      status_after: "COMPLETE",
    });
  });
});
