import { beforeEach, describe, expect, it } from "vitest";
import { request } from "../support/api.ts";
import {
  byLink,
  collect,
  type DeliveringTenant,
  inputOf,
  newDeliveringTenant,
  signalLink,
} from "../support/delivery.ts";
import { newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: DeliveringTenant;
let link: string;

const idOf = async (): Promise<string> => (await collect(link))[0]?.id;

beforeEach(async () => {
  tenant = await newDeliveringTenant();
  link = await tenant.newLink();
});

describe("update of config_id, input_values or action", () => {
  it.each(["PUT", "PATCH"])("sending what is to be run unchanged, by %s, changes nothing", async (method) => {
    const values = { a: 1.0, b: { c: [1e2, null] } };
    const { id, config_id } = await tenant.deployed({ action: "CREATE", input_values: values });
    const delivered = await idOf();
    const signal = await signalLink(link);
    const body = `{"config_id":"${config_id}","action":"CREATE","input_values":{"b":{"c":[100,null]},"a":1}}`;
    const change = () => tenant.call(method, `/software_deployments/${id}`, { body });
    expect((await change()).status).toBe(200);
    expect(await idOf()).toBe(delivered);
    // The running script's own signal still counts, and what it reported stays.
    await byLink("PUT", signal, { body: { result: "done" } });
    expect((await change()).json.software_deployment).toMatchObject({
      status: "COMPLETE",
      output_values: { result: "done" },
    });
    expect(await idOf()).toBe(delivered);
    expect((await tenant.eventsOf(id)).map(({ event }) => event)).toEqual([
      "created",
      "collected",
      "signalled",
    ]);
  });

  it.each([
    ["PUT", { input_values: { a: 2 } }],
    ["PUT", { action: "UPDATE" }],
    ["PUT", { config_id: "another" }],
    ["PATCH", { input_values: { a: 2 } }],
  ])("changing what is run, by %s %j, begins a new run", async (method, body) => {
    const { id, config_id } = await tenant.deployed({ input_values: { a: 1 } });
    await tenant.call("POST", `/software_deployments/${id}/signal`, { body: { result: "old" } });
    const { json } = await tenant.call(method, `/software_deployments/${id}`, { body });
    expect(json.software_deployment).toMatchObject({
      status: "IN_PROGRESS",
      status_reason: null,
      output_values: null,
    });
    await tenant.update(id, { config_id });
    await tenant.call("POST", `/software_deployments/${id}/signal`, { body: { deploy_status_code: 1 } });
    const failed = await tenant.show(id);
    expect(failed.status).toBe("FAILED");
    expect(failed.output_values).not.toHaveProperty("result");
  });

  it("changing what is to be run together with a status sets that status", async () => {
    const { id } = await tenant.deployed();
    const { json } = await tenant.update(id, { action: "UPDATE", status: "COMPLETE" });
    expect(json.software_deployment).toMatchObject({ status: "COMPLETE", action: "UPDATE" });
  });
});

describe("signal and earlier outputs", () => {
  it("a signal merges into the outputs that are there; a new run starts without any", async () => {
    const { id } = await tenant.deployed();
    await tenant.update(id, { output_values: { before: 1, result: "old" } });
    await tenant.call("POST", `/software_deployments/${id}/signal`, { body: { result: "new" } });
    expect((await tenant.show(id)).output_values).toMatchObject({ before: 1, result: "new" });
    await tenant.call("POST", `/software_deployments/${id}/rerun`);
    await tenant.call("POST", `/software_deployments/${id}/signal`, { body: {} });
    expect(Object.keys((await tenant.show(id)).output_values)).toEqual([
      ...["deploy_stdout", "deploy_stderr", "deploy_status_code"],
    ]);
  });
});

describe("configuration that the client derived", () => {
  const inputs = (transport: string) => [
    { name: "deploy_server_id", value: "a-server" },
    { name: "deploy_signal_transport", value: transport },
    { name: "a", value: 1 },
  ];

  it("a client-derived NO_SIGNAL is replaced by a signal link, under its own id, while the deployment is IN_PROGRESS", async () => {
    const { id, config_id } = await tenant.deployed({}, { inputs: inputs("NO_SIGNAL") });
    const [config] = await collect(link);
    expect(config?.id).toBe(config_id);
    expect(config?.inputs.map(({ name }: any) => name)).toEqual([
      ...["deploy_server_id", "a", "deploy_signal_transport", "deploy_signal_id", "deploy_signal_verb"],
    ]);
    expect(inputOf(config, "deploy_signal_transport")).toBe("TEMP_URL_SIGNAL");
    await byLink("PUT", await signalLink(link), { body: {} });
    expect((await tenant.show(id)).status).toBe("COMPLETE");
    expect(inputOf((await collect(link))[0], "deploy_signal_transport")).toBe("NO_SIGNAL");
  });

  it("a client-derived configuration with a signal transport goes out as it is", async () => {
    await tenant.deployed({}, { inputs: inputs("CFN_SIGNAL") });
    expect((await collect(link))[0]?.inputs).toHaveLength(3);
  });
});

describe("document of a server's link", () => {
  it("the document holds the agent's own configuration, with the same link", async () => {
    const { json } = await byLink("GET", link);
    expect(json["os-collect-config"]).toEqual({
      collectors: ["request"],
      request: { metadata_url: expect.stringContaining(link) },
    });
  });
});

describe("stack user on its own project's path", () => {
  it("a stack user may do on its own project's path what a delegated tenant may", async () => {
    const user = await newTenant(["heat_stack_user"], tenant.project);
    const { id } = await tenant.deployed({ stack_user_project_id: tenant.project });
    const other = await tenant.deployed();
    const path = `/software_deployments/${id}`;
    expect((await user.call("GET", path)).status).toBe(200);
    expect((await user.call("PUT", path, { body: { status_reason: "r" } })).status).toBe(200);
    expect((await user.call("POST", `${path}/signal`, { body: {} })).status).toBe(200);
    expectFault(await user.call("PUT", path, { body: { action: "A" } }), 401);
    const stale = { "if-match": '"0"' };
    expectFault(await user.call("PUT", path, { body: {}, headers: stale }), 412);
    expectFault(await user.call("GET", `/software_deployments/${other.id}`), 404);
    expectFault(await user.call("GET", "/software_deployments"), 401);
    expect((await user.call("GET", "/software_deployments/metadata/a-server")).json.metadata).toHaveLength(1);
  });
});

describe("ids in paths", () => {
  it("an id is found in upper and in lower case", async () => {
    const { id, config_id } = await tenant.deployed();
    const path = `/v1/${tenant.project}/software_deployments/${id.toUpperCase()}`;
    for (const method of ["GET", "DELETE"])
      expect((await request(method, path, { token: tenant.token })).status).toBeLessThan(300);
    const config = await tenant.call("GET", `/software_configs/${config_id.toUpperCase()}`);
    expect(config.json.software_config.id).toBe(config_id);
  });
});
