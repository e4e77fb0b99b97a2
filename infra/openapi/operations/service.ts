import type { ExampleWorld, OperationNotes } from "../operation-notes.ts";

/** The tag of the endpoints in `functions/service/`. */
export const tag = {
  name: "Service",
  description:
    "The service itself: its health, its versions, this description, and what Heat's clients ask besides.",
};

const inProject = ({ project_id }: ExampleWorld) => ({ path: { project_id } });

const CACHED = {
  requestHeaders: ["If-None-Match" as const],
  responseHeaders: ["ETag", "Cache-Control"],
};

/** The notes on each endpoint, by its function's name in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  validateTemplate: {
    example: (world) => ({
      ...inProject(world),
      body: { template: { heat_template_version: "2018-08-31" } },
    }),
  },
  listStacks: { example: inProject },
  showBuildInfo: { example: inProject },
  listServices: { example: inProject },
  listVersions: { example: () => ({}) },
  showHealth: { example: () => ({}) },
  checkHealth: { example: () => ({}) },
  showApiDescription: CACHED,
  showApiPage: {
    requestHeaders: CACHED.requestHeaders,
    responseHeaders: [
      ...CACHED.responseHeaders,
      "Content-Security-Policy",
      "Referrer-Policy",
      "X-Content-Type-Options",
    ],
    mediaType: "text/html",
  },
};
