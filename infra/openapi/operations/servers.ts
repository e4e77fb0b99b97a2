import type { ExampleWorld, OperationNotes } from "../operation-notes.ts";

/** The tag of the endpoints in `functions/servers/`. */
export const tag = {
  name: "Servers",
  description: "What a server is to run, and the signed links by which its agent collects that.",
};

const ofServer = ({ project_id, server_id }: ExampleWorld) => ({ path: { project_id, server_id } });

/** The notes on each endpoint, by its function's name in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  showServerMetadata: { example: ofServer },
  createServerLink: { example: ofServer },
  revokeServerLinks: { example: ofServer },
};
