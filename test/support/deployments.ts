export {
  EXAMPLE_PROJECT as SEED_PROJECT,
  EXAMPLE_REQUEST as SEED_REQUEST,
} from "../../infra/local/example.ts";

import { signToken } from "../../infra/local/signing-key.ts";
import { type Call, type Reply, request } from "./api.ts";

/** A UUID that nothing has. */
export const NOBODY = "00000000-0000-7000-8000-000000000000";

/** A project that no other test uses. */
export const newProject = (): string => crypto.randomUUID().replaceAll("-", "");

/** The smallest valid body of a create, and what is to be added to it. */
export const minimal = (more: object = {}): Record<string, unknown> => ({
  config_id: "a-config",
  server_id: "a-server",
  ...more,
});

/** The address of a project's deployments. */
export const deploymentsOf = (project: string): string => `/v1/${project}/software_deployments`;

/** A token of a member of a project, valid for an hour. */
export const memberToken = (project: string): Promise<string> => signToken(project, ["member"], 3_600);

/** A project and a token for it, with calls made on its behalf. */
export interface Tenant {
  project: string;
  token: string;
  /** A request below the project's address, such as `/software_deployments`. */
  call: (method: string, path: string, call?: Call) => Promise<Reply>;
  /** Creates a deployment and gives back what was answered of it. */
  deploy: (more?: object) => Promise<Record<string, any>>;
  /** Creates a configuration and gives back what was answered of it. */
  configure: (body?: object) => Promise<Record<string, any>>;
}

const created = ({ status, text, json }: Reply, name: string): Record<string, any> => {
  if (status !== 200) throw new Error(`${status} ${text}`);
  return json[name];
};

/** A new project with a caller who has `roles` in it. */
export const newTenant = async (roles = ["member"], project = newProject()): Promise<Tenant> => {
  const token = await signToken(project, roles, 3_600);
  const call: Tenant["call"] = (method, path, more = {}) =>
    request(method, `/v1/${project}${path}`, { token, ...more });
  return {
    project,
    token,
    call,
    deploy: async (more) =>
      created(await call("POST", "/software_deployments", { body: minimal(more) }), "software_deployment"),
    configure: async (body = {}) =>
      created(await call("POST", "/software_configs", { body }), "software_config"),
  };
};
