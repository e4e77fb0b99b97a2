import { EXAMPLE_CONFIG } from "../../local/example.ts";
import type { OperationNotes } from "../operation-notes.ts";

/** The tag of the endpoints in `functions/software-configs/`. */
export const tag = {
  name: "Configurations",
  description:
    "A configuration says what to run: a script or a manifest, the inputs that it takes and the outputs that it gives. It never changes.",
};

/** The notes on each endpoint, by its function's name in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  createSoftwareConfig: {
    responseHeaders: ["ETag", "Location"],
    example: ({ project_id }) => ({
      path: { project_id },
      body: EXAMPLE_CONFIG,
    }),
  },
  listSoftwareConfigs: {
    example: ({ project_id }) => ({ path: { project_id }, query: { limit: "1" } }),
  },
  showSoftwareConfig: {
    requestHeaders: ["If-None-Match"],
    responseHeaders: ["ETag", "Cache-Control"],
    example: ({ project_id, config_id: id }) => ({ path: { project_id, id } }),
  },
  removeSoftwareConfig: {
    faults: ["conflict"],
    requestHeaders: ["If-Match"],
    example: ({ project_id, unused_config_id: id }) => ({ path: { project_id, id } }),
  },
};
