import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiUrl } from "../support/api.ts";
import { newTenant, type Tenant } from "../support/deployments.ts";

const run = promisify(execFile);

// Debian's packages belong to Debian's Python, whatever other stands first in PATH.
const CLI = "/usr/bin/openstack";
const PYTHON = "/usr/bin/python3";
const SDK = "/usr/lib/python3/dist-packages/openstack";

const missing = [CLI, SDK].filter((file) => !existsSync(file));
const left = `left out: ${missing.join(" and ")} not there; apt-get install python3-openstackclient python3-heatclient python3-openstacksdk`;
if (missing.length > 0) process.stderr.write(`${left}\n`);
if (missing.length > 0 && process.env.CI) throw new Error(left);

let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

describe.skipIf(missing.length > 0)("the openstack CLI", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "openstack-"));
  });

  afterAll(() => rm(folder, { recursive: true }));

  const openstack = async (...args: string[]): Promise<string> => {
    const endpoint = `${apiUrl}/v1/${tenant.project}`;
    const auth = ["--os-auth-type", "admin_token", "--os-endpoint", endpoint, "--os-token", tenant.token];
    const { stdout } = await run(CLI, [...auth, "software", ...args]);
    return stdout;
  };

  const openstackJson = async (...args: string[]): Promise<any> => JSON.parse(await openstack(...args));

  const asJson = ["-f", "json"];

  it("the openstack CLI creates, lists, shows, updates and deletes configurations and deployments", async () => {
    const script = join(folder, "script.sh");
    const definition = join(folder, "definition.yaml");
    await writeFile(script, "#!/bin/sh\necho hello $foo\n");
    await writeFile(definition, "inputs:\n- name: foo\n  default: world\noutputs:\n- name: result\n");

    const files = ["--config-file", script, "--definition-file", definition];
    const config = await openstackJson("config", "create", ...files, "--group", "script", "my-config");
    expect(config).toMatchObject({
      name: "my-config",
      group: "script",
      config: "#!/bin/sh\necho hello $foo\n",
      inputs: [{ name: "foo", type: "String", default: "world" }],
      outputs: [{ name: "result", type: "String", error_output: false }],
    });
    expect(await openstackJson("config", "list", ...asJson)).toEqual([
      { id: config.id, name: "my-config", group: "script", creation_time: config.creation_time },
    ]);
    expect(await openstack("config", "show", config.id)).toContain("echo hello $foo");

    const options = [
      "--config",
      config.id,
      "--server",
      "web-1",
      "--input-value",
      "foo=bar",
      "--signal-transport",
      "NO_SIGNAL",
    ];
    await openstack("deployment", "create", ...options, "my-deployment");
    const [deployment, ...others] = await openstackJson("deployment", "list", ...asJson);
    expect(others).toEqual([]);
    expect(deployment).toMatchObject({ server_id: "web-1", action: "UPDATE", status: "IN_PROGRESS" });
    expect(await openstackJson("deployment", "list", "--server", "web-2", ...asJson)).toEqual([]);
    expect(await openstackJson("deployment", "show", deployment.id, ...asJson)).toMatchObject({
      id: deployment.id,
      config_id: deployment.config_id,
      status: "IN_PROGRESS",
    });

    const [metadata] = await openstackJson("deployment", "metadata", "show", "web-1");
    expect(metadata).toMatchObject({
      id: deployment.config_id,
      name: "my-deployment",
      config: config.config,
    });
    expect(metadata.inputs).toContainEqual({ name: "foo", type: "String", default: "world", value: "bar" });

    const report = { status: "COMPLETE", output_values: { result: "The result", deploy_status_code: 0 } };
    await tenant.call("PUT", `/software_deployments/${deployment.id}`, { body: report });
    expect(await openstack("deployment", "output", "show", deployment.id, "result")).toContain("The result");
    expect(await openstack("deployment", "output", "show", deployment.id, "--all")).toContain(
      "deploy_status_code",
    );

    await expect(openstack("config", "delete", deployment.config_id)).rejects.toThrow(
      /Unable to delete 1 of the 1/,
    );
    await openstack("deployment", "delete", deployment.id);
    await expect(openstack("deployment", "show", deployment.id)).rejects.toThrow(/not found/i);
    await expect(openstack("config", "show", deployment.config_id)).rejects.toThrow(/not found/i);
    await openstack("config", "delete", config.id);
    expect(await openstackJson("config", "list", ...asJson)).toEqual([]);
  });
});

describe.skipIf(missing.length > 0)("openstacksdk", () => {
  it("openstacksdk creates, lists, shows, updates and deletes configurations and deployments, version discovery included", async () => {
    const mine = await newTenant();
    const args = ["test/clients/openstacksdk.py", apiUrl ?? "", mine.project, mine.token];
    const seen = JSON.parse((await run(PYTHON, args)).stdout);
    expect(seen).toEqual({
      versions: [[[1, 0], "CURRENT", `${apiUrl}/v1/`]],
      config: expect.any(String),
      deployment: expect.any(String),
      updated: "COMPLETE",
      shown: ["COMPLETE", { result: 1 }, { foo: "bar" }, seen.config],
      listed: [seen.deployment],
      configs: [seen.config],
      gone: `Deployment with id ${seen.deployment} not found`,
    });
    expect((await mine.call("GET", "/software_configs")).json).toEqual({ software_configs: [] });
  });
});
