import type { ExampleWorld, OperationNotes } from "../../lib/http/spec.ts";

/** What the API's document says of these endpoints together. */
export const tag = {
  name: "Configurations",
  description:
    "A configuration says what to run: a script or a manifest, the inputs that it takes and the outputs that it gives. It never changes.",
};

const one = ({ project_id, unused_config_id: id }: ExampleWorld) => ({ project_id, id });

/** What the document says of each, by the functions' names in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  createSoftwareConfig: {
    responseHeaders: ["ETag", "Location"],
    example: ({ project_id }) => ({
      path: { project_id },
      body: {
        name: "greet",
        group: "script",
        inputs: [{ name: "who", default: "world" }],
        outputs: [{ name: "greeting" }],
        config: "#!/bin/sh\necho Hello, $who",
      },
    }),
  },
  listSoftwareConfigs: {
    example: ({ project_id }) => ({ path: { project_id }, query: { limit: "1" } }),
  },
  showSoftwareConfig: {
    requestHeaders: ["If-None-Match"],
    responseHeaders: ["ETag", "Cache-Control"],
    example: (known) => ({ path: one(known) }),
  },
  removeSoftwareConfig: {
    faults: ["conflict"],
    requestHeaders: ["If-Match"],
    example: (known) => ({ path: one(known) }),
  },
};
