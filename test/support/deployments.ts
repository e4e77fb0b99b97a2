import { signToken } from "../../infra/local/signing-key.ts";

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
