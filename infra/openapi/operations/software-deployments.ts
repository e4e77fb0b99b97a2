import type { ExampleWorld, OperationNotes } from "../operation-notes.ts";

/** The tag of the endpoints in `functions/software-deployments/`. */
export const tag = {
  name: "Deployments",
  description:
    "A deployment is one configuration on one server, with values for its inputs. It is `IN_PROGRESS` until a result arrives, then `COMPLETE` or `FAILED`.",
};

const pathOf = ({ project_id, deployment_id: id }: ExampleWorld) => ({ project_id, id });

/** The notes on each endpoint, by its function's name in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  createSoftwareDeployment: {
    responseHeaders: ["ETag", "Location", "Idempotent-Replayed"],
    example: ({ project_id, config_id, server_id }) => ({
      path: { project_id },
      body: { config_id, server_id, input_values: { who: "world" }, timeout: 600 },
    }),
  },
  listSoftwareDeployments: {
    example: ({ project_id, server_id }) => ({ path: { project_id }, query: { server_id, limit: "10" } }),
  },
  showSoftwareDeployment: {
    requestHeaders: ["If-None-Match"],
    responseHeaders: ["ETag", "Cache-Control"],
    example: (world) => ({ path: pathOf(world) }),
  },
  updateSoftwareDeployment: {
    faults: ["conflict"],
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (world) => ({
      path: pathOf(world),
      body: { input_values: { who: "everybody" }, action: "UPDATE" },
    }),
  },
  patchSoftwareDeployment: {
    faults: ["conflict"],
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (world) => ({ path: pathOf(world), body: { input_values: { who: null }, timeout: 900 } }),
  },
  removeSoftwareDeployment: {
    requestHeaders: ["If-Match"],
    example: (world) => ({ path: pathOf(world) }),
  },
  rerunSoftwareDeployment: {
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (world) => ({ path: pathOf(world) }),
  },
  rerunManyDeployments: {
    example: ({ project_id, deployment_id }) => ({ path: { project_id }, body: { ids: [deployment_id] } }),
  },
  cancelSoftwareDeployment: {
    faults: ["conflict"],
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (world) => ({ path: pathOf(world), body: { status_reason: "The wrong servers" } }),
  },
  cancelManyDeployments: {
    example: ({ project_id, deployment_id }) => ({ path: { project_id }, body: { ids: [deployment_id] } }),
  },
  signalSoftwareDeployment: {
    example: (world) => ({
      path: pathOf(world),
      body: { deploy_stdout: "Hello, world", deploy_stderr: "", deploy_status_code: 0 },
    }),
  },
  listSoftwareDeploymentEvents: {
    example: (world) => ({ path: pathOf(world) }),
  },
};
