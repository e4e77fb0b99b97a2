import type { ExampleWorld, OperationNotes } from "../../lib/http/spec.ts";

/** What the API's document says of these endpoints together. */
export const tag = {
  name: "Servers",
  description: "What a server is to run, and the signed links by which its agent collects that.",
};

const one = ({ project_id, server_id }: ExampleWorld) => ({ path: { project_id, server_id } });

/** What the document says of each, by the functions' names in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  showServerMetadata: { example: one },
  createServerLink: { example: one },
  revokeServerLinks: { example: one },
};
