import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { request } from "../support/api.ts";
import { later } from "../support/clock.ts";
import {
  byLink,
  collect,
  type DeliveringTenant,
  inputOf,
  newDeliveringTenant,
  signalLink,
  target,
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

/** A text that does not become shorter where it is stored. */
const noise = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 36) }, () => crypto.randomUUID())
    .join("")
    .slice(0, bytes);

describe("signal by a link", () => {
  it.each(["PUT", "POST"])(
    "a signal by %s makes the deployment COMPLETE with its outputs; later signals change nothing",
    async (method) => {
      const { id } = await tenant.deployed();
      const signal = await signalLink(await tenant.newLink());
      const body = { deploy_stdout: "hi", deploy_status_code: 0, result: "The result", other: 1 };
      const reply = await byLink(method, signal, { body, headers: { "content-type": "" } });
      expect([reply.status, reply.json]).toEqual([200, {}]);
      const done = await tenant.show(id);
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
      expect(await tenant.show(id)).toEqual(done);
      const [config] = await collect(await tenant.newLink());
      expect(inputOf(config, "deploy_signal_id")).toBeUndefined();
    },
  );

  it("a signal with an exit code and an error output makes the deployment FAILED", async () => {
    const { id } = await tenant.deployed();
    const signal = await signalLink(await tenant.newLink());
    await byLink("PUT", signal, { body: { deploy_status_code: "2", problem: "disk full" } });
    expect(await tenant.show(id)).toMatchObject({
      status: "FAILED",
      status_reason:
        "deploy_status_code : Deployment exited with non-zero status code: 2, problem : disk full",
    });
  });

  it("a signal without a body counts as {}, whatever its content type; one that is not an object is 400 and changes nothing", async () => {
    const { id } = await tenant.deployed();
    const signal = await signalLink(await tenant.newLink());
    for (const body of ["[]", '"x"', "5", "{"]) expectFault(await byLink("PUT", signal, { body }), 400);
    expect((await tenant.show(id)).status).toBe("IN_PROGRESS");
    await byLink("PUT", signal, { headers: { "content-type": "application/octet-stream" } });
    expect((await tenant.show(id)).status).toBe("COMPLETE");
  });

  it("the first signal for an older delivery leaves an event with its exit code, and changes nothing else", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const old = await signalLink(link);
    await tenant.update(id, { input_values: { a: 2 } });
    const before = await tenant.show(id);
    for (const code of [3, 4]) {
      const reply = await byLink("PUT", old, { body: { deploy_status_code: code, deploy_stdout: "old" } });
      expect([reply.status, reply.json]).toEqual([200, {}]);
    }
    expect(await tenant.show(id)).toEqual(before);
    await byLink("PUT", await signalLink(link), { body: {} });
    expect((await tenant.show(id)).status).toBe("COMPLETE");
    const superseded = (await tenant.eventsOf(id)).filter((event) => event.superseded);
    expect(superseded).toMatchObject([{ event: "signalled", by: "link", deploy_status_code: 3 }]);
    // What is void is not even parsed.
    for (const body of ["{", '{"a":NaN}']) expect((await byLink("PUT", old, { body })).status).toBe(200);
  });

  it("a signal for an older delivery that has had its result leaves nothing", async () => {
    const { id } = await tenant.deployed();
    const old = await signalLink(await tenant.newLink());
    await byLink("PUT", old, { body: {} });
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    const events = await tenant.eventsOf(id);
    expect((await byLink("PUT", old, { body: {} })).status).toBe(200);
    expect(await tenant.eventsOf(id)).toEqual(events);
  });

  it("a signal that cannot be read is 400 and leaves an event, at most one a minute; a link that is used up none", async () => {
    const { id } = await tenant.deployed();
    const signal = await signalLink(await tenant.newLink());
    const before = await tenant.show(id);
    for (const body of ['{"deploy_stdout":NaN}', "{", "[]"])
      expectFault(await byLink("PUT", signal, { body }), 400);
    expect(await tenant.show(id)).toEqual(before);
    const events = await tenant.eventsOf(id);
    expect(events.map(({ event }) => event)).toEqual(["created", "collected", "signal_refused"]);
    expect(events.at(-1)).toMatchObject({
      by: "link",
      status_before: "IN_PROGRESS",
      status_after: "IN_PROGRESS",
    });
    await byLink("PUT", signal, { body: {} });
    const done = await tenant.eventsOf(id);
    expect((await byLink("PUT", signal, { body: "{" })).status).toBe(200);
    expect(await tenant.eventsOf(id)).toEqual(done);
  });

  it("status IN_PROGRESS while a script runs leaves its link for the result, and starts the time limit anew", async () => {
    const { id } = await tenant.deployed({ timeout: 60 });
    const signal = await signalLink(await tenant.newLink());
    expect((await tenant.update(id, { status: "IN_PROGRESS" })).status).toBe(200);
    expect(await signalLink(await tenant.newLink())).toContain("/agent/signal");
    await byLink("PUT", signal, { body: { result: "of the running script" } });
    expect(await tenant.show(id)).toMatchObject({
      status: "COMPLETE",
      output_values: { result: "of the running script" },
    });
  });

  it("revoking a server's links ends its links for results, and those that a token was given; later ones are good", async () => {
    const first = await tenant.deployed();
    const byServersLink = await signalLink(await tenant.newLink());
    const { json } = await tenant.call("GET", "/software_deployments/metadata/a-server");
    const byToken = target(inputOf(json.metadata[0], "deploy_signal_id"));
    expect((await tenant.call("DELETE", "/software_deployments/metadata/a-server/link")).status).toBe(204);
    const before = await tenant.show(first.id);
    for (const link of [byServersLink, byToken])
      expectFault(await byLink("PUT", link, { body: { result: "forged" } }), 401, "revoked");
    expect(await tenant.show(first.id)).toEqual(before);
    await sleep(5);
    await byLink("PUT", await signalLink(await tenant.newLink()), { body: { result: "true" } });
    expect(await tenant.show(first.id)).toMatchObject({ output_values: { result: "true" } });
  });

  it("a run that begins right after a revocation has links by token that are good", async () => {
    for (let i = 0; i < 3; i += 1) {
      const { id } = await tenant.deployed();
      const path = "/software_deployments/metadata/a-server";
      expect((await tenant.call("DELETE", `${path}/link`)).status).toBe(204);
      await sleep(5);
      await tenant.call("POST", `/software_deployments/${id}/rerun`);
      const { json } = await tenant.call("GET", path);
      const config = json.metadata.find((config: any) => inputOf(config, "deploy_signal_id"));
      expect((await byLink("PUT", target(inputOf(config, "deploy_signal_id")), { body: {} })).status).toBe(
        200,
      );
      expect((await tenant.show(id)).status).toBe("COMPLETE");
    }
  });

  it("of 20 signals at a time one counts: one event, all are 200", async () => {
    const { id } = await tenant.deployed();
    const signal = await signalLink(await tenant.newLink());
    const sent = Array.from({ length: 20 }, (_, i) => byLink("PUT", signal, { body: { result: i } }));
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual(sent.map(() => 200));
    expect((await tenant.eventsOf(id)).filter(({ event }) => event === "signalled")).toHaveLength(1);
  });

  it("a result by a link takes 4 MB and is cut, not refused; by a token, and beyond that, it is 400", async () => {
    const text = noise(1_100_000);
    const large = await tenant.deployed();
    const link = await signalLink(await tenant.newLink());
    const body = { deploy_stdout: text, deploy_status_code: 0 };
    expectFault(
      await tenant.call("POST", `/software_deployments/${large.id}/signal`, { body }),
      400,
      "1048576",
    );
    expectFault(
      await byLink("PUT", link, { body: { deploy_stdout: "l".repeat(4_194_304) } }),
      400,
      "4194304",
    );
    expect((await byLink("PUT", link, { body })).status).toBe(200);
    const { status, output_values } = await tenant.show(large.id);
    expect([status, output_values.deploy_status_code]).toEqual(["COMPLETE", 0]);
    expect(output_values.deploy_stdout).toMatch(/\[… \d+ bytes are missing here …\]/);
    expect(output_values.deploy_stdout.slice(-100)).toBe(text.slice(-100));
    const lines = await tenant.deployed({ server_id: "lines" });
    const log = { deploy_stdout: "l".repeat(4_194_000), deploy_status_code: 0 };
    expect((await byLink("PUT", await signalLink(await tenant.newLink("lines")), { body: log })).status).toBe(
      200,
    );
    expect((await tenant.show(lines.id)).output_values.deploy_stdout).toContain("bytes are missing here");
  });

  it("a late result is cut also where the reason was taken away", async () => {
    for (const [server_id, text] of [
      ["noise", noise(1_000_000)],
      ["quotes", '"'.repeat(2_000_000)],
    ] as const) {
      const { id } = await tenant.deployed({ server_id });
      const link = await signalLink(await tenant.newLink(server_id));
      expect((await tenant.update(id, { timeout: 1 })).status).toBe(200);
      await later(2_000);
      expect(
        (await tenant.call("PATCH", `/software_deployments/${id}`, { body: { status_reason: null } })).status,
      ).toBe(200);
      const reply = await byLink("PUT", link, { body: { deploy_stdout: text, deploy_status_code: 3 } });
      expect(reply.status).toBe(200);
      const { status, status_reason, output_values } = await tenant.show(id);
      expect([status, status_reason, output_values.deploy_status_code]).toEqual(["FAILED", null, 3]);
      expect(output_values.deploy_stdout.slice(0, 200_000)).toMatch(/\[… \d+ bytes are missing here …\]/);
      expect((await tenant.eventsOf(id)).at(-1)).toMatchObject({ event: "signalled", late: true });
    }
  });

  it("a result of a byte order mark and blanks alone counts as {}", async () => {
    const { id } = await tenant.deployed();
    const body = Buffer.from("\ufeff \n");
    const headers = { "content-type": "application/octet-stream" };
    expect((await byLink("PUT", await signalLink(await tenant.newLink()), { body, headers })).status).toBe(
      200,
    );
    expect((await tenant.show(id)).status).toBe("COMPLETE");
  });

  it("a result with a byte order mark, and of any charset, counts", async () => {
    const { id } = await tenant.deployed();
    const body = Buffer.from('\ufeff{"deploy_status_code":0}');
    const headers = { "content-type": "application/json; charset=ISO-8859-1" };
    expect((await byLink("PUT", await signalLink(await tenant.newLink()), { body, headers })).status).toBe(
      200,
    );
    expect((await tenant.show(id)).status).toBe("COMPLETE");
  });

  it("a signal of 950,000 bytes is accepted, whether it compresses or not", async () => {
    const deploy_stdout = "2026-11-23 21:00:00 INFO a line of a log\n".repeat(23_000).slice(0, 940_000);
    const log = await tenant.deployed();
    await byLink("PUT", await signalLink(await tenant.newLink()), { body: { deploy_stdout } });
    expect((await tenant.show(log.id)).output_values.deploy_stdout).toBe(deploy_stdout);
    const noise = Array.from({ length: 26_300 }, () => crypto.randomUUID()).join("");
    const noisy = await tenant.deployed({ server_id: "noisy" });
    await byLink("PUT", await signalLink(await tenant.newLink("noisy")), { body: { deploy_stdout: noise } });
    const { status, output_values } = await tenant.show(noisy.id);
    expect(status).toBe("COMPLETE");
    expect(output_values.deploy_stdout).toMatch(/\[… \d+ bytes are missing here …\]/);
    expect(output_values.deploy_stdout.slice(-100)).toBe(noise.slice(-100));
  });

  it("a signal link cannot collect, and is 401 when it is changed", async () => {
    await tenant.deployed();
    const signal = await signalLink(await tenant.newLink());
    expectFault(await byLink("GET", signal.replace("signal", "metadata")), 401);
    expectFault(await byLink("PUT", `${signal}x`, { body: {} }), 401);
    expectFault(await byLink("PUT", "/agent/signal", { body: "{" }), 401);
  });
});

describe("signal by a token", () => {
  const signal = (id: string, body: object, token = tenant.token) =>
    request("POST", `/v1/${tenant.project}/software_deployments/${id}/signal`, { token, body });

  it("a member and the delegated tenant signal by their tokens", async () => {
    const delegate = await newTenant(["heat_stack_user"]);
    const [mine, theirs] = [
      await tenant.deployed(),
      await tenant.deployed({ stack_user_project_id: delegate.project }),
    ];
    expect((await signal(mine.id, { result: 1 })).json).toEqual({});
    expect((await signal(theirs.id, { result: 2 }, delegate.token)).json).toEqual({});
    expect(await tenant.show(mine.id)).toMatchObject({ status: "COMPLETE", output_values: { result: 1 } });
    expect((await tenant.eventsOf(theirs.id)).at(-1)).toMatchObject({
      event: "signalled",
      by: "delegated tenant",
    });
    expectFault(await signal((await tenant.deployed()).id, {}, delegate.token), 404);
    expectFault(await signal(NOBODY, {}), 404);
  });

  it("a reader cannot signal, and gets no signal links", async () => {
    const { id } = await tenant.deployed();
    const reader = await newTenant(["reader"], tenant.project);
    expectFault(await signal(id, {}, reader.token), 401);
    const { json } = await reader.call("GET", "/software_deployments/metadata/a-server");
    expect(inputOf(json.metadata[0], "deploy_signal_id")).toBeUndefined();
  });

  it("signed links are removed from stored results, where readers would find them", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const signal = await signalLink(link);
    const log = `PUT https://host${signal} 200\n${encodeURIComponent(link)}`;
    const escaped = JSON.stringify({ deploy_stdout: log, n: 1 })
      .replaceAll("capability=", "capability\\u003d")
      .replace(":1}", ":1.0}");
    const other = await tenant.deployed();
    await tenant.call("PUT", `/software_deployments/${other.id}`, { body: `{"output_values":${escaped}}` });
    expect((await tenant.show(other.id)).output_values.deploy_stdout).toContain("?capability=removed 200");
    await byLink("PUT", signal, { body: { deploy_stderr: log, result: { nested: [log] } } });
    const { output_values } = await tenant.show(id);
    const text = JSON.stringify(output_values);
    expect(output_values.deploy_stderr).toContain("PUT https://host/agent/signal?capability=removed 200");
    expect(output_values.result.nested[0]).toContain("capability%3Dremoved");
    for (const secret of [signal, link]) expect(text).not.toContain(secret.split("=")[1]);
    expect(text).not.toContain(signal.split(".")[1]);
    await tenant.update(id, { status_reason: log, output_values: { log } });
    const forms = [
      log.replaceAll("capability=", "capability\\u003d"),
      log.replaceAll("capability=", "capability\\\\u003D").replaceAll(".", "\\\\u002e"),
      log.replaceAll("capability=", "capability&#61;"),
      log.replaceAll("capability=", "capability&#x3D;").replaceAll(".", "&#46;"),
      log.replaceAll("capability=", "capability&amp;equals;"),
      log.replaceAll(".", "%2E"),
      log.replaceAll("capability=", "capability%253D").replaceAll(".", "%252e"),
    ];
    await tenant.update(other.id, { status_reason: forms.join(" "), output_values: { forms } });
    const shown = JSON.stringify(await tenant.show(other.id));
    for (const part of signal.slice(signal.indexOf("=") + 1).split(".")) expect(shown).not.toContain(part);
    expect(shown.match(/removed/g)).toHaveLength(4 * forms.length);
    expect(JSON.stringify(await tenant.show(id))).not.toContain(signal.split("=")[1]);
  });

  it.each([0, 60, 120, 180])(
    "a result that is cut keeps no part of a signed link (cut moved by %i bytes)",
    async (more) => {
      const { id } = await tenant.deployed();
      const link = await tenant.newLink();
      const signal = await signalLink(link);
      const log = "x".repeat(more) + `${link} `.repeat(3_000);
      const reply = await byLink("PUT", signal, { body: { deploy_status_code: 1, problem: log } });
      expect(reply.status).toBe(200);
      const { status_reason } = await tenant.show(id);
      expect(status_reason).toContain("bytes are missing here");
      expect(status_reason).not.toContain(link.split(".").at(-1));
    },
  );
});
