import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { later } from "../support/clock.ts";
import { newTenant, type Tenant } from "../support/deployments.ts";

const run = promisify(execFile);

const AGENT = "/usr/bin/os-collect-config";

const left = `left out: ${AGENT} is not there; apt-get install python3-os-collect-config`;
const missing = !existsSync(AGENT);
if (missing) process.stderr.write(`${left}\n`);
if (missing && process.env.CI) throw new Error(left);

const SCRIPT =
  '#!/bin/sh\necho "Writing for $who on $deploy_server_id"\nprintf "%s" "done for $who" > "$heat_outputs_path.result"\nexit $code\n';

describe.skipIf(missing)("os-collect-config and a hook", () => {
  let tenant: Tenant;
  let folder: string;

  beforeAll(async () => {
    tenant = await newTenant();
    folder = await mkdtemp(join(tmpdir(), "agent-"));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  afterAll(() => rm(folder, { recursive: true }));

  const deployed = async (server: string, more: object): Promise<string> => {
    const config = await tenant.configure({
      name: server,
      group: "script",
      config: SCRIPT,
      inputs: [{ name: "who" }, { name: "code", type: "Number", default: 0 }],
      outputs: [{ name: "result" }],
    });
    return (await tenant.deploy({ config_id: config.id, server_id: server, ...more })).id;
  };

  /** The output of the real agent about what it collected for a server. */
  const collected = async (server: string): Promise<any[]> => {
    const { json } = await tenant.call("POST", `/software_deployments/metadata/${server}/link`);
    const file = join(folder, `${server}.conf`);
    const settings = ["[DEFAULT]", "collectors = request", `cachedir = ${join(folder, server)}`, "[request]"];
    await writeFile(file, [...settings, `metadata_url = ${json.metadata_url}`, ""].join("\n"));
    const { stdout } = await run(AGENT, ["--config-file", file, "--one-time", "--force", "--print"]);
    return JSON.parse(stdout).request.deployments;
  };

  /** The work of a heat-config hook: the script, with its inputs in the environment; and then the signal. */
  const hook = async (config: any): Promise<void> => {
    const inputs = Object.fromEntries(config.inputs.map(({ name, value }: any) => [name, String(value)]));
    const script = join(folder, config.id);
    await writeFile(script, config.config, { mode: 0o700 });
    const env = { ...inputs, PATH: process.env.PATH, heat_outputs_path: script };
    const ended = await run(script, [], { env })
      .then(({ stdout, stderr }) => ({ stdout, stderr, code: 0 }))
      .catch(({ stdout, stderr, code }) => ({ stdout, stderr, code }));
    const result = await run("cat", [`${script}.result`]);
    const signal = {
      deploy_stdout: ended.stdout,
      deploy_stderr: ended.stderr,
      deploy_status_code: ended.code,
      result: result.stdout,
    };
    const curl = [
      "-sS",
      "-f",
      "-X",
      inputs.deploy_signal_verb,
      "-d",
      JSON.stringify(signal),
      inputs.deploy_signal_id,
    ];
    await run("curl", curl);
  };

  const show = async (id: string) =>
    (await tenant.call("GET", `/software_deployments/${id}`)).json.software_deployment;

  it("a script that os-collect-config runs makes the deployment COMPLETE, with its outputs", async () => {
    const id = await deployed("web-1", { input_values: { who: "the world" }, action: "CREATE" });
    const [config] = await collected("web-1");
    await hook(config);
    expect(await show(id)).toMatchObject({
      status: "COMPLETE",
      status_reason: "Outputs received",
      output_values: {
        result: "done for the world",
        deploy_stdout: "Writing for the world on web-1\n",
        deploy_stderr: "",
        deploy_status_code: 0,
      },
    });
    expect(await show(id)).toHaveProperty("collected_time");
  });

  it("a script that fails makes the deployment FAILED, with its exit code", async () => {
    const id = await deployed("web-2", { input_values: { who: "x", code: 3 } });
    await hook((await collected("web-2"))[0]);
    expect(await show(id)).toMatchObject({
      status: "FAILED",
      status_reason: "deploy_status_code : Deployment exited with non-zero status code: 3",
    });
  });

  it("an agent that sends no signal leaves the deployment to its time limit", async () => {
    const id = await deployed("web-3", { input_values: { who: "x" }, timeout: 600 });
    await collected("web-3");
    await later(600_100);
    expect(await show(id)).toMatchObject({
      status: "FAILED",
      status_reason: expect.stringMatching(/^Timed out after 600 seconds: the server collected it at/),
    });
  });
});
