import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../infra/local/service.ts";
import { apiUrl } from "../support/api.ts";
import { type DeliveringTenant, newDeliveringTenant } from "../support/delivery.ts";

const run = promisify(execFile);

const AGENTS = process.env.HEAT_AGENTS ?? "";
const CLI = "/usr/bin/openstack";

const missing = AGENTS === "" || !existsSync(join(AGENTS, "complete")) || !existsSync(CLI);
const left = "left out: the heat-agents image; .ci/run installs it and sets HEAT_AGENTS";
if (missing) process.stderr.write(`${left}\n`);
if (missing && process.env.CI) throw new Error(left);

/** A server as the `heat-config` element of a standard image sets it up, below a folder of its own. */
class Server {
  readonly folder: string;
  readonly #configuration: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#configuration = join(folder, "etc/os-collect-config.conf");
  }

  async setUp(metadataUrl: string): Promise<void> {
    const source = join(AGENTS, "heat-agents/heat-config");
    const script = join(AGENTS, "heat-agents/heat-config-script/install.d/hook-script.py");
    await this.#copy(
      join(source, "os-apply-config/etc/os-collect-config.conf"),
      "templates/etc/os-collect-config.conf",
    );
    await this.#copy(
      join(source, "os-apply-config/var/run/heat-config/heat-config"),
      "templates/run/heat-config",
    );
    for (const step of ["20-os-apply-config", "55-heat-config"])
      await this.#copy(join(source, "os-refresh-config/configure.d", step), `refresh/configure.d/${step}`);
    await this.#copy(script, "hooks/script");
    await this.#copy(join(source, "bin/heat-config-notify"), "bin/heat-config-notify");
    // The real programs, told to stay below this folder.
    await this.#write(
      "bin/os-apply-config",
      `#!/bin/sh\nexec ${AGENTS}/bin/os-apply-config -o ${this.folder}\n`,
    );
    const lock = join(this.folder, "lock");
    await this.#write(
      "bin/os-refresh-config",
      `#!/bin/sh\nexec ${AGENTS}/bin/os-refresh-config --lockfile ${lock}\n`,
    );
    await mkdir(join(this.folder, "etc"));
    await writeFile(
      this.#configuration,
      [
        "[DEFAULT]",
        "command = os-refresh-config",
        "collectors = request",
        "[request]",
        `metadata_url = ${metadataUrl}`,
        "",
      ].join("\n"),
    );
  }

  /** One poll of the real agent, by the configuration that is there: after the first one, what it rendered itself. */
  async poll(): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    const env = {
      PATH: `${at("bin")}:${AGENTS}/bin:/usr/bin:/bin`,
      OS_CONFIG_APPLIER_TEMPLATES: at("templates"),
      OS_REFRESH_CONFIG_BASE_DIR: at("refresh"),
      HEAT_SHELL_CONFIG: at("run/heat-config"),
      HEAT_CONFIG_HOOKS: at("hooks"),
      HEAT_CONFIG_DEPLOYED: at("deployed"),
      HEAT_CONFIG_NOTIFY: at("bin/heat-config-notify"),
      HEAT_SCRIPT_WORKING: at("working"),
      HEAT_SCRIPT_OUTPUTS: at("outputs"),
      JOURNAL: at("journal"),
    };
    const args = ["--config-file", this.#configuration, "--cachedir", at("cache"), "--one-time", "--force"];
    await run(`${AGENTS}/bin/os-collect-config`, args, { env });
  }

  configuration(): Promise<string> {
    return readFile(this.#configuration, "utf8");
  }

  /** The output of the scripts, a line each. */
  async journal(): Promise<string[]> {
    const text = await readFile(join(this.folder, "journal"), "utf8").catch(() => "");
    return text.split("\n").filter(Boolean);
  }

  async #copy(from: string, to: string): Promise<void> {
    const path = join(this.folder, to);
    await mkdir(join(path, ".."), { recursive: true });
    await copyFile(from, path);
    // A template that can be executed would be, instead of being rendered.
    await chmod(path, to.startsWith("templates/") ? 0o644 : 0o755);
  }

  async #write(to: string, text: string): Promise<void> {
    await mkdir(join(this.folder, to, ".."), { recursive: true });
    await writeFile(join(this.folder, to), text, { mode: 0o755 });
  }
}

const SCRIPT = '#!/bin/sh\necho "$deploy_server_id $who $count" >> "$JOURNAL"\necho "ran for $who"\n';

describe.skipIf(missing)("a standard heat-agents image", () => {
  let tenant: DeliveringTenant;
  let server: Server;

  beforeEach(async () => {
    tenant = await newDeliveringTenant();
    server = new Server(await mkdtemp(join(tmpdir(), "server-")));
    const { json } = await tenant.call("POST", "/software_deployments/metadata/a-server/link");
    await server.setUp(json.metadata_url);
  });

  afterEach(() => rm(server.folder, { recursive: true }));

  const deploy = (who: string, more: object = {}) =>
    tenant.deployed(
      { input_values: { who }, ...more },
      {
        group: "script",
        config: SCRIPT,
        inputs: [{ name: "who" }, { name: "count", type: "Number", default: 1 }],
      },
    );

  it("an agent renders its own configuration from what it collects, and polls on with it", async () => {
    const { id } = await deploy("one");
    await server.poll();
    expect(await tenant.show(id)).toMatchObject({
      status: "COMPLETE",
      output_values: { deploy_stdout: "ran for one\n", deploy_status_code: 0 },
    });
    const rendered = await server.configuration();
    expect(rendered).toMatch(/^\[request\]\nmetadata_url = http/m);
    const second = await deploy("two");
    await server.poll();
    expect((await tenant.show(second.id)).status).toBe("COMPLETE");
    expect(await server.configuration()).toBe(rendered);
  });

  it("an agent runs each delivery once, over three deployments with updates between, and the history says so", async () => {
    const [first, second, third] = [await deploy("a"), await deploy("b"), await deploy("c")];
    await server.poll();
    await server.poll();
    const same = { config_id: first.config_id, output_values: { deploy_stdout: "sent back" } };
    await tenant.update(first.id, same);
    await tenant.update(second.id, { input_values: { who: "b2" } });
    await server.poll();
    await tenant.update(second.id, { input_values: { who: "b2" }, config_id: second.config_id });
    await tenant.call("POST", `/software_deployments/${third.id}/rerun`);
    await server.poll();
    await server.poll();
    expect(await server.journal()).toEqual(["a", "b", "c", "b2", "c"].map((who) => `a-server ${who} 1`));
    const deliveries = await Promise.all(
      [first, second, third].map(async ({ id }) =>
        (await tenant.eventsOf(id))
          .filter(({ event }) => event === "collected" || event === "signalled")
          .map(({ event }) => event),
      ),
    );
    const once = ["collected", "signalled"];
    expect(deliveries).toEqual([once, [...once, ...once], [...once, ...once]]);
    for (const { id } of [first, second, third]) expect((await tenant.show(id)).status).toBe("COMPLETE");
  });

  it("typed values, and absent ones, reach a script's environment", async () => {
    const inputs = [{ name: "who" }, { name: "count", type: "Json", default: { a: [1] } }];
    const { id } = await tenant.deployed(
      { input_values: { who: 3 } },
      { group: "script", config: SCRIPT, inputs },
    );
    const none = await tenant.deployed({}, { group: "script", config: SCRIPT, inputs: [{ name: "who" }] });
    await server.poll();
    expect(await server.journal()).toEqual(['a-server 3 {"a":[1]}', "a-server  "]);
    for (const one of [id, none.id]) expect((await tenant.show(one)).status).toBe("COMPLETE");
  });

  it("an agent reports the result of a deployment that the CLI made with NO_SIGNAL", async () => {
    const endpoint = `${apiUrl}/v1/${tenant.project}`;
    const auth = ["--os-auth-type", "admin_token", "--os-endpoint", endpoint, "--os-token", tenant.token];
    const { id } = await tenant.configure({ group: "script", config: SCRIPT, inputs: [{ name: "who" }] });
    const args = ["software", "deployment", "create", "--config", id, "--server", "a-server", "-f", "json"];
    const more = ["--input-value", "who=cli", "--signal-transport", "NO_SIGNAL", "of-the-cli"];
    const { stdout } = await run(CLI, [...auth, ...args, ...more]);
    const deployment = JSON.parse(stdout).id;
    await server.poll();
    expect(await tenant.show(deployment)).toMatchObject({
      status: "COMPLETE",
      output_values: { deploy_stdout: "ran for cli\n" },
    });
  });

  it("what was given up before the agent came does not run; what it has run before is skipped", async () => {
    const done = await deploy("done");
    await server.poll();
    const cancelled = await deploy("cancelled");
    await tenant.update(cancelled.id, { status: "FAILED", status_reason: "cancelled" });
    const late = await deploy("late", { timeout: 1 });
    await eventually("the time limit has passed", async () =>
      (await tenant.show(late.id)).status === "FAILED" ? true : undefined,
    );
    const wanted = await deploy("wanted");
    await server.poll();
    expect(await server.journal()).toEqual(["a-server done 1", "a-server wanted 1"]);
    for (const { id } of [done, wanted]) expect((await tenant.show(id)).status).toBe("COMPLETE");
    for (const { id } of [cancelled, late]) {
      expect(await tenant.show(id)).not.toHaveProperty("collected_time");
      expect(await tenant.show(id)).toMatchObject({ status: "FAILED", output_values: null });
    }
  });

  it("what was canceled does not run; of what runs already the record says so, and keeps its result", async () => {
    const cancel = (id: string) => tenant.call("POST", `/software_deployments/${id}/cancel`);
    const early = await deploy("early");
    await cancel(early.id);
    const go = join(server.folder, "go");
    const config = `#!/bin/sh\nuntil [ -e "$go" ]; do sleep 0.1; done\necho ran`;
    const { id } = await tenant.deployed({ input_values: { go } }, { group: "script", config });
    const polled = server.poll();
    const collected = await eventually(
      "the agent has it",
      async () => (await tenant.show(id)).collected_time as string | undefined,
    );
    await cancel(id);
    await writeFile(go, "");
    await polled;
    expect(await tenant.show(id)).toMatchObject({
      status: "FAILED",
      status_reason: `Canceled: the server collected it at ${collected} and may have run it`,
      output_values: { deploy_stdout: "ran\n", deploy_status_code: 0 },
    });
    expect((await tenant.eventsOf(id)).at(-1)).toMatchObject({ late: true, deploy_status_code: 0 });
    expect(await server.journal()).toEqual([]);
    expect(await tenant.show(early.id)).not.toHaveProperty("collected_time");
  });

  it("what waits runs once its time has come", async () => {
    const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const { id } = await deploy("waits", { not_before: soon(86_400_000) });
    await server.poll();
    expect(await server.journal()).toEqual([]);
    const not_before = soon(1_000);
    await tenant.call("PATCH", `/software_deployments/${id}`, { body: { not_before } });
    await eventually("it is due", async () =>
      Date.now() > Date.parse(not_before) + 1_000 ? true : undefined,
    );
    await server.poll();
    expect(await server.journal()).toEqual(["a-server waits 1"]);
    expect((await tenant.show(id)).status).toBe("COMPLETE");
  });

  it("a server of which the scripts exceed one answer runs all of them, and what comes later", async () => {
    const padding = "# what a bootstrap script says of itself, over and over again\n".repeat(5_700);
    const big = (i: number) =>
      tenant.deployed(
        {},
        { name: `big-${i}`, group: "script", config: `#!/bin/sh\necho ${i} >> "$JOURNAL"\n${padding}` },
      );
    const first = [];
    for (let i = 0; i < 16; i += 1) first.push(await big(i));
    await server.poll();
    for (const { id } of first) expect((await tenant.show(id)).status).toBe("COMPLETE");
    const then = [await big(16), await big(17), await deploy("small")];
    await server.poll();
    for (const { id } of then) expect((await tenant.show(id)).status).toBe("COMPLETE");
    expect((await server.journal()).length).toBe(19);
  });

  it("names of os-apply-config configurations stop no agent, and get_input is replaced in them", async () => {
    for (const name of ["web/nginx", "request"])
      await tenant.deployed(
        { input_values: { host: "192.0.2.7" } },
        { name, group: "os-apply-config", config: { amqp: { host: { get_input: "host" } } } },
      );
    const { id } = await deploy("beside");
    await server.poll();
    expect((await tenant.show(id)).status).toBe("COMPLETE");
    const written = await readFile(join(server.folder, "cache/web_nginx.json"), "utf8");
    expect(JSON.parse(written)).toEqual({ amqp: { host: "192.0.2.7" } });
    await server.poll();
    expect(await server.journal()).toEqual(["a-server beside 1"]);
  });

  it("a component's script runs for its action with values of all types, and so does what a client derived", async () => {
    const inputs = [{ name: "who" }, { name: "count", type: "Number", default: 3 }];
    const script = { actions: ["CREATE"], tool: "script", config: SCRIPT };
    const component = await tenant.deployed(
      { action: "CREATE", input_values: { who: "component" } },
      { group: "component", config: { configs: [script] }, inputs },
    );
    const signal = { name: "deploy_signal_transport", value: "NO_SIGNAL" };
    const derived = await tenant.deployed(
      {},
      {
        group: "script",
        config: SCRIPT,
        inputs: [
          { name: "who", value: "derived" },
          { name: "count", type: "Number", value: 4 },
          { name: "deploy_server_id", value: "a-server" },
          signal,
        ],
      },
    );
    await server.poll();
    expect((await server.journal()).sort()).toEqual(["a-server component 3", "a-server derived 4"]);
    for (const { id } of [component, derived]) expect((await tenant.show(id)).status).toBe("COMPLETE");
  });
});
