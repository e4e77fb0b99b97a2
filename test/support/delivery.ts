import { expect } from "vitest";
import { type Call, type Reply, request } from "./api.ts";
import { newTenant, type Tenant } from "./deployments.ts";

/** The path and query of an address that the service gave out. */
export const target = (href: string): string => href.slice(new URL(href).origin.length);

/** A request by a link, without other credentials. */
export const byLink = (method: string, link: string, call: Call = {}): Promise<Reply> =>
  request(method, link, call);

/** The deployments that a server collects by its link. */
export const collect = async (link: string): Promise<Record<string, any>[]> => {
  const reply = await byLink("GET", link);
  expect(reply.status).toBe(200);
  return reply.json.deployments;
};

/** The value of an input that goes out with a configuration. */
export const inputOf = (config: Record<string, any> | undefined, name: string): any =>
  config?.inputs.find((input: any) => input.name === name)?.value;

/** The link by which the result of the first deployment goes back that a server collects. */
export const signalLink = async (link: string): Promise<string> =>
  target(inputOf((await collect(link))[0], "deploy_signal_id"));

/** A project whose servers collect what they are to run. */
export interface DeliveringTenant extends Tenant {
  /** A link for a server's agent. */
  newLink: (server?: string) => Promise<string>;
  /** A deployment of a configuration that declares an output `result`, and `problem`, which means an error. */
  deployed: (deployment?: object, config?: object) => Promise<any>;
  show: (id: string) => Promise<any>;
  update: (id: string, body: object) => Promise<Reply>;
  eventsOf: (id: string) => Promise<any[]>;
}

/** Makes such a project, or takes one that is there. */
export const newDeliveringTenant = async (project?: string): Promise<DeliveringTenant> => {
  const tenant = await newTenant(["member"], project);
  const below = (id: string): string => `/software_deployments/${id}`;
  return {
    ...tenant,
    newLink: async (server = "a-server") => {
      const reply = await tenant.call("POST", below(`metadata/${encodeURIComponent(server)}/link`));
      expect(reply.status).toBe(200);
      return target(reply.json.metadata_url);
    },
    deployed: async (deployment = {}, config = {}) => {
      const outputs = [{ name: "result" }, { name: "problem", error_output: true }];
      const { id } = await tenant.configure({ config: "echo", outputs, ...config });
      return tenant.deploy({ config_id: id, ...deployment });
    },
    show: async (id) => (await tenant.call("GET", below(id))).json.software_deployment,
    update: (id, body) => tenant.call("PUT", below(id), { body }),
    eventsOf: async (id) => (await tenant.call("GET", below(`${id}/events`))).json.events,
  };
};
