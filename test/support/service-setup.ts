import type { TestProject } from "vitest/node";
import { startService, stopService } from "./service.ts";
import "./context.ts";

/** Starts `sls offline` for all files of a test project, or takes the service that `API_URL` names. */
export default async (project: TestProject) => {
  const service = await startService();
  project.provide("apiUrl", service.url);
  project.provide("dynamodb", service.dynamodb);
  return () => stopService(service);
};
