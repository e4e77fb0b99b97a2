import { signToken } from "../../infra/local/signing-key.ts";
import { type Call, type Reply, request } from "./api.ts";

/** The API page's example request, and the project it is sent to. */
export const SEED_PROJECT = "95d02433133a4c0a87ba6967474a2ad3";
export const SEED_REQUEST = {
  status: "IN_PROGRESS",
  server_id: "ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5",
  config_id: "8da95794-2ad9-4979-8ae5-739ce314c5cd",
  stack_user_project_id: "c024bfada67845ddb17d2b0c0be8cd79",
  action: "CREATE",
  status_reason: "Deploy data available",
};

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
