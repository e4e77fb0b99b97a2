import type { ExampleWorld, OperationNotes } from "../../lib/http/spec.ts";

/** The tag of these endpoints in the API's description. */
export const tag = {
  name: "Servers",
  description: "What a server is to run, and the signed links by which its agent collects that.",
};

const one = ({ project_id, server_id }: ExampleWorld) => ({ path: { project_id, server_id } });

/** Notes on each endpoint for the API's description, by the function's name in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  showServerMetadata: { example: one },
  createServerLink: { example: one },
  revokeServerLinks: { example: one },
};
