import type { ExampleWorld, OperationNotes } from "../../lib/http/spec.ts";

/** The tag of these endpoints in the API's description. */
export const tag = {
  name: "Deployments",
  description:
    "A deployment is one configuration on one server, with values for its inputs. It is `IN_PROGRESS` until a result arrives, then `COMPLETE` or `FAILED`.",
};

const one = ({ project_id, deployment_id: id }: ExampleWorld) => ({ project_id, id });

/** Notes on each endpoint for the API's description, by the function's name in `serverless.yml`. */
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
    example: (known) => ({ path: one(known) }),
  },
  updateSoftwareDeployment: {
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (known) => ({
      path: one(known),
      body: { input_values: { who: "everybody" }, action: "UPDATE" },
    }),
  },
  patchSoftwareDeployment: {
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (known) => ({ path: one(known), body: { input_values: { who: null }, timeout: 900 } }),
  },
  removeSoftwareDeployment: {
    requestHeaders: ["If-Match"],
    example: (known) => ({ path: one(known) }),
  },
  rerunSoftwareDeployment: {
    requestHeaders: ["If-Match"],
    responseHeaders: ["ETag"],
    example: (known) => ({ path: one(known) }),
  },
  signalSoftwareDeployment: {
    example: (known) => ({
      path: one(known),
      body: { deploy_stdout: "Hello, world", deploy_stderr: "", deploy_status_code: 0 },
    }),
  },
  listSoftwareDeploymentEvents: {
    example: (known) => ({ path: one(known) }),
  },
};
