import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { apiUrl, type Reply, request } from "../support/api.ts";
import { later } from "../support/clock.ts";
import { byLink, collect, type DeliveringTenant, inputOf, newDeliveringTenant } from "../support/delivery.ts";
import { NOBODY, newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";
import { inLongForm, isLong } from "../support/long.ts";

let tenant: DeliveringTenant;

/** More than a history keeps; over HTTP that takes long. */
const UPDATES = apiUrl && !isLong ? 20 : 160;

/** A text that does not become shorter where it is stored. */
const noise = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 36) }, () => crypto.randomUUID())
    .join("")
    .slice(0, bytes);

afterEach(() => {
  vi.useRealTimers();
});

beforeEach(async () => {
  tenant = await newDeliveringTenant();
});

describe("a server's link", () => {
  it("a new link tells its expiry, and shows neither project nor server", async () => {
    const { json } = await tenant.call("POST", "/software_deployments/metadata/s%201/link");
    expect(Date.parse(json.expires_time) - Date.now()).toBeGreaterThan(89 * 86_400_000);
    expect(new URL(json.metadata_url).pathname).not.toContain("s");
  });

  it("the link of an unknown server collects an empty list", async () => {
    const link = await tenant.newLink("unknown");
    const reply = await byLink("GET", link);
    expect([reply.json.deployments, reply.headers["last-modified"]]).toEqual([[], undefined]);
  });

  it.each(["%2F", "%3F", "%23", "%5C", "%00", "%0A", "%1F", "%7F", "%C2%80", "%C2%9F"])(
    "no path is about a server with %s in its id: it has no link, none to revoke, and no metadata",
    async (character) => {
      const path = `/software_deployments/metadata/a${character}b`;
      for (const [method, target] of [
        ["POST", `${path}/link`],
        ["DELETE", `${path}/link`],
        ["GET", path],
      ] as const)
        expectFault(await tenant.call(method, target), 400, "server_id: no path can carry");
      expect((await tenant.call("HEAD", path)).status).toBe(400);
    },
  );

  it("servers with a blank, a per cent sign and other signs have links, metadata, and no warning", async () => {
    const { id: config_id } = await tenant.configure({ group: "script", config: "#!/bin/sh" });
    const servers = ["my server", "ü", "a%b", "a:b", "...", "a;b=c", "a+b&c"];
    const all = servers.map(async (server_id) => {
      const made = await tenant.call("POST", "/software_deployments", { body: { config_id, server_id } });
      expect([made.status, made.headers.warning]).toEqual([200, undefined]);
      const link = await tenant.newLink(server_id);
      expect(await collect(link)).toHaveLength(1);
      const path = `/software_deployments/metadata/${encodeURIComponent(server_id)}`;
      expect((await tenant.call("GET", path)).json.metadata).toHaveLength(1);
      expect((await tenant.call("DELETE", `${path}/link`)).status).toBe(204);
      expectFault(await byLink("GET", link), 401);
    });
    await Promise.all(all);
  });

  it("only a member makes and revokes a server's link", async () => {
    const reader = await newTenant(["reader"], tenant.project);
    const stranger = await newTenant();
    for (const method of ["POST", "DELETE"]) {
      expectFault(await reader.call(method, "/software_deployments/metadata/s/link"), 401);
      const foreign = `/v1/${tenant.project}/software_deployments/metadata/s/link`;
      expectFault(await request(method, foreign, { token: stranger.token }), 401);
    }
  });

  it("a server's link collects for its own server and project, cannot signal, and is 401 with any character changed", async () => {
    await tenant.deployed({ server_id: "other" });
    const link = await tenant.newLink();
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

  it("revoking ends all earlier links of the server; a later link is valid", async () => {
    const [first, other] = [await tenant.newLink(), await tenant.newLink("other")];
    expect((await tenant.call("DELETE", "/software_deployments/metadata/a-server/link")).status).toBe(204);
    await sleep(5);
    const later = await tenant.newLink();
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

  it("a server's own row shows up in no list of deployments", async () => {
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
  it("polls are equal to the byte, and 304 with the ETag, until something changes", async () => {
    const { id } = await tenant.deployed({ input_values: { a: 1 } });
    const link = await tenant.newLink();
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
    await tenant.update(id, { status_reason: "still going" });
    const changed = await byLink("GET", link, { headers: { "if-none-match": etag } });
    expect(changed.status).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
  });

  it("Last-Modified tells the last change, removals included, once it is 16 s old", async () => {
    const [first, second] = [await tenant.deployed(), await tenant.deployed()];
    const [still, link] = [await tenant.newLink("still"), await tenant.newLink()];
    await tenant.deployed({ server_id: "still" });
    for (const one of [still, link]) await collect(one);
    await later(1_100);
    await tenant.call("DELETE", `/software_deployments/${second.id}`);
    for (const one of [still, link])
      expect((await byLink("HEAD", one)).headers["last-modified"]).toBeUndefined();
    await later(16_100);
    const created = (await byLink("HEAD", still)).headers["last-modified"] ?? "";
    expect(created).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    expect((await byLink("GET", still, { headers: { "if-modified-since": created } })).status).toBe(304);
    expect(await collect(link)).toHaveLength(1);
    const removed = (await byLink("HEAD", link)).headers["last-modified"] ?? "";
    expect(Date.parse(removed)).toBeGreaterThan(Date.parse(created));
    expect((await tenant.show(first.id)).status).toBe("IN_PROGRESS");
  });

  it("HEAD tells no Last-Modified while something may still go out for the first time", async () => {
    await tenant.deployed();
    const link = await tenant.newLink();
    await later(17_000);
    expect((await byLink("HEAD", link)).headers["last-modified"]).toBeUndefined();
    const { headers } = await byLink("GET", link);
    expect((await byLink("HEAD", link)).headers["last-modified"]).toBe(headers["last-modified"]);
    expect(headers["last-modified"]).toBeDefined();
    // What is not kept here, and what was given up, goes out at no poll.
    await tenant.deploy({ config_id: "elsewhere", server_id: "others" });
    const { id } = await tenant.deployed({ server_id: "others" });
    await tenant.update(id, { status: "FAILED" });
    await later(17_000);
    expect((await byLink("HEAD", await tenant.newLink("others"))).headers["last-modified"]).toBeDefined();
  });

  it("only a poll by GET is recorded as collected, once, and changes neither ETag nor updated_time", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    await byLink("HEAD", link);
    await tenant.call("HEAD", "/software_deployments/metadata/a-server");
    const reader = await newTenant(["reader"], tenant.project);
    expect((await reader.call("GET", "/software_deployments/metadata/a-server")).json.metadata).toHaveLength(
      1,
    );
    expect(await tenant.show(id)).not.toHaveProperty("collected_time");
    const first = await byLink("GET", link);
    const collected = await tenant.show(id);
    expect(collected.collected_time).toMatch(/Z$/);
    expect(collected).not.toHaveProperty("updated_time");
    expect((await byLink("GET", link)).headers.etag).toBe(first.headers.etag);
    expect((await tenant.eventsOf(id)).map(({ event }) => event)).toEqual(["created", "collected"]);
    await tenant.update(id, { input_values: { a: 2 } });
    expect(await tenant.show(id)).not.toHaveProperty("collected_time");
  });

  it("what goes out by a token with links for results is recorded as collected, by whom", async () => {
    const delegate = await newTenant(["heat_stack_user"]);
    const mine = await tenant.deployed();
    const theirs = await tenant.deployed({ server_id: "theirs", stack_user_project_id: delegate.project });
    const { json } = await tenant.call("GET", "/software_deployments/metadata/a-server");
    expect(inputOf(json.metadata[0], "deploy_signal_id")).toBeDefined();
    const path = `/v1/${tenant.project}/software_deployments/metadata/theirs`;
    expect((await request("GET", path, { token: delegate.token })).json.metadata).toHaveLength(1);
    for (const [{ id }, by] of [
      [mine, "user"],
      [theirs, "delegated tenant"],
    ] as const) {
      expect(await tenant.show(id)).toHaveProperty("collected_time");
      expect((await tenant.eventsOf(id)).at(-1)).toMatchObject({ event: "collected", by });
    }
  });

  it("of members who read a server's metadata at the same time all get the delivery, and it is recorded once", async () => {
    const { id } = await tenant.deployed();
    const read = () => tenant.call("GET", "/software_deployments/metadata/a-server");
    const replies = await Promise.all(Array.from({ length: 10 }, read));
    expect(replies.map(({ json }) => json.metadata.length)).toEqual(Array(10).fill(1));
    expect((await tenant.eventsOf(id)).filter(({ event }) => event === "collected")).toHaveLength(1);
  });

  it("agents that poll at the same time all get the delivery, and it is recorded once", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    for (const times of [1, 2, 3]) {
      const polls = await Promise.all(Array.from({ length: 20 }, () => collect(link)));
      expect(new Set(polls.map(([config]) => config?.id)).size).toBe(1);
      const events = (await tenant.eventsOf(id)).filter(({ event }) => event === "collected");
      expect(events).toHaveLength(times);
      await tenant.call("POST", `/software_deployments/${id}/rerun`);
    }
  });

  it("large inputs are delivered whole", async () => {
    const text = noise(5_000);
    await tenant.deployed({ input_values: { text } }, { inputs: [{ name: "text" }] });
    const [config] = await collect(await tenant.newLink());
    expect(inputOf(config, "text")).toBe(text);
  });
});

/** Whether a hundred requests with 380 kB take a few seconds. */
const isQuick = !apiUrl || inLongForm("large documents over HTTP", [true]).length > 0;

describe.runIf(isQuick)("more than one answer takes", () => {
  const script = `#!/bin/sh\n${"# a real bootstrap script repeats itself, though no line is the other's\n".repeat(5_400)}`;
  const GZIP = { headers: { "accept-encoding": "gzip" } };
  const PLAIN = { headers: { "accept-encoding": "identity" } };

  it("a server's scripts of 6.4 MB go out compressed, and to others as many as fit: the oldest in progress first", async () => {
    const ids = [];
    for (let i = 0; i < 18; i += 1)
      ids.push(
        (await tenant.deployed({}, { name: `big-${String(i).padStart(2, "0")}`, config: `${script}${i}` }))
          .id,
      );
    const link = await tenant.newLink();
    expect((await byLink("HEAD", link)).status).toBe(200);
    const plain = await byLink("GET", link, PLAIN);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    const names = plain.json.deployments.map(({ name }: { name: string }) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.length).toBeLessThan(18);
    expect(names.at(-1)).toBe(`big-${names.length - 1}`);
    // What did not go out is not recorded.
    for (const [at, id] of ids.entries())
      expect("collected_time" in (await tenant.show(id)), `${at}`).toBe(at < names.length);
    const all = await byLink("GET", link, GZIP);
    expect([all.json.deployments.length, all.headers["content-encoding"]]).toEqual([18, "gzip"]);
    expect(all.headers.vary).toContain("Accept-Encoding");
    expect(all.headers.etag).not.toBe(plain.headers.etag);
  });

  it("one that is too large for any answer hides no other", async () => {
    const many = { group: "hiera", inputs: [{ name: "big" }] };
    const config = Array.from({ length: 1_000 }, () => ({ get_input: "big" }));
    const input_values = { big: "x".repeat(160_000) };
    const setting = { name: "setting", group: "os-apply-config", config: { a: 1 } };
    for (const status of ["COMPLETE", "IN_PROGRESS"]) {
      const server_id = `giant-${status}`;
      await tenant.deployed({ server_id, status }, setting);
      await tenant.deployed({ server_id, status, input_values }, { ...many, name: "giant", config });
      for (let i = 0; i < 60; i += 1) await tenant.deployed({ server_id, status }, { name: `${i}` });
      const { json } = await byLink("GET", await tenant.newLink(server_id), PLAIN);
      const names = json.deployments.map(({ name }: { name: string }) => name);
      expect([names.length, names.includes("giant"), names.includes("setting")]).toEqual([61, false, true]);
    }
  });

  it("a small urgent deployment goes out beside many large ones that are finished", async () => {
    for (let i = 0; i < 18; i += 1)
      await tenant.deployed({ status: "COMPLETE" }, { name: "big", config: `${script}${i}` });
    const small = await tenant.deployed({}, { name: "small", config: "#!/bin/sh" });
    const { json } = await byLink("GET", await tenant.newLink(), PLAIN);
    expect(json.deployments.length).toBeGreaterThan(10);
    expect(json.deployments.at(-1)).toMatchObject({ name: "small" });
    expect(await tenant.show(small.id)).toHaveProperty("collected_time");
  });

  it("a default that is longer in the document than it was sent is measured as it is sent", async () => {
    const list = ["é".repeat(250_000)];
    await tenant.deployed({}, { inputs: [{ name: "list", type: "Json", default: list }] });
    await tenant.deployed({}, { inputs: [{ name: "list", type: "Json", default: list }] });
    const reply = await byLink("GET", await tenant.newLink(), PLAIN);
    expect([reply.status, reply.json.deployments.length]).toEqual([200, 1]);
  });
});

describe("names that become files of os-collect-config", () => {
  const named = (name: string | null, group = "os-apply-config") =>
    tenant.deployed({}, { name, group, config: { a: 1 } });

  it("names of group os-apply-config go out by a link as names of files, no two the same", async () => {
    const names = [
      "web/nginx",
      "../../etc/x",
      "request",
      "os_config_files",
      "a\u0000b",
      "",
      null,
      "same",
      "same",
      "x".repeat(255),
    ];
    for (const name of names) await named(name);
    await named("request", "script");
    const deployments = await collect(await tenant.newLink());
    const sent = deployments.filter(({ group }) => group !== "script").map(({ name }) => name);
    expect(new Set(sent).size).toBe(names.length);
    expect(sent).toEqual(
      expect.arrayContaining(["web_nginx", "___.._etc_x", "a_b", "same", "x".repeat(200)]),
    );
    for (const name of ["request", "os_config_files", "same", ""])
      expect(
        sent.some((one: string) => new RegExp(`^${name}-[0-9a-f]{12}$`).test(one)),
        name,
      ).toBe(true);
    for (const name of sent) expect(name).not.toMatch(/^\.|[/\0]|^(request|os_config_files|)$/);
    expect(deployments.find(({ group }) => group === "script")?.name).toBe("request");
  });

  it("a name that was made another one stays when a deployment of another name goes, and is as it was by a token", async () => {
    await named("same");
    const { id } = await named("third");
    await named("same");
    const link = await tenant.newLink();
    const before = (await collect(link)).map(({ name }) => name).filter((name) => name !== "third");
    await tenant.call("DELETE", `/software_deployments/${id}`);
    expect((await collect(link)).map(({ name }) => name)).toEqual(before);
    const { json } = await tenant.call("GET", "/software_deployments/metadata/a-server");
    expect(json.metadata.map(({ name }: { name: string }) => name)).toEqual(["same", "same"]);
  });
});

describe("a configuration that a client derived itself", () => {
  it("a configuration that the client derived goes out under its own id until it is rerun, then under a new id each time", async () => {
    const inputs = [{ name: "deploy_server_id", value: "a-server" }];
    const { id } = await tenant.deployed({}, { inputs });
    const link = await tenant.newLink();
    const idOf = async () => (await collect(link))[0]?.id;
    const { config_id } = await tenant.show(id);
    await tenant.update(id, { input_values: { a: 1 } });
    expect(await idOf()).toBe(config_id);
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    const second = await idOf();
    expect(second).not.toBe(config_id);
    expect(await idOf()).toBe(second);
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    expect([config_id, second]).not.toContain(await idOf());
    // What was run before the rerun is to be run again: its own id would not be.
    await tenant.update(id, { config_id });
    expect([config_id, second]).not.toContain(await idOf());
  });
});

describe("large values of an update", () => {
  it("an update's large values leave room for later changes, or are 400 that names the field", async () => {
    const { id } = await tenant.deployed({ input_values: { a: noise(100_000) } });
    const before = await tenant.show(id);
    expectFault(
      await tenant.update(id, { output_values: { a: noise(600_000) } }),
      400,
      "output_values: too large",
    );
    expectFault(
      await tenant.update(id, { input_values: { a: noise(400_000) } }),
      400,
      "input_values: too large",
    );
    expect(await tenant.show(id)).toEqual(before);
    // The largest that is taken, to 4,000 bytes.
    let [taken, refused] = [300_000, 600_000];
    const outputs = async (bytes: number) =>
      (await tenant.update(id, { output_values: { a: noise(bytes) } })).status;
    while (refused - taken > 4_000) {
      const bytes = (taken + refused) / 2;
      if ((await outputs(bytes)) === 200) taken = bytes;
      else refused = bytes;
    }
    expect(await outputs(taken)).toBe(200);
    const reason = { status_reason: noise(8_000) };
    expect((await tenant.update(id, reason)).status).toBe(200);
    expectFault(await tenant.update(id, { status_reason: noise(60_000) }), 400, "status_reason: too large");
    for (let i = 0; i < UPDATES; i += 1)
      expect((await tenant.update(id, { status_reason: `${i}` })).status).toBe(200);
    expect((await tenant.eventsOf(id)).length).toBeGreaterThanOrEqual(Math.min(UPDATES, 100));
  });
});
