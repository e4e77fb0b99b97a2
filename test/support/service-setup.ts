import type { TestProject } from "vitest/node";
import { startService, stopService } from "../../infra/local/service.ts";
import { routes } from "../../infra/serverless/route-table.ts";
import "./context.ts";

const PRELOADED = ["call-limits.ts", "service-clock.ts"];

const node = [
  process.execPath,
  ...PRELOADED.flatMap((file) => ["--import", new URL(file, import.meta.url).href]),
];

/**
 * Starts `sls offline` for all files of a test project; or takes the service that `API_URL` names, whose emulator
 * `AWS_ENDPOINT_URL_DYNAMODB` names, and `DEPLOYMENTS_TABLE` its table where that is not the local one.
 */
export default async (project: TestProject) => {
  const { API_URL, AWS_ENDPOINT_URL_DYNAMODB, DEPLOYMENTS_TABLE } = process.env;
  if (API_URL) {
    if (!AWS_ENDPOINT_URL_DYNAMODB) throw new Error("API_URL goes with AWS_ENDPOINT_URL_DYNAMODB.");
    project.provide("apiUrl", API_URL);
    project.provide("movesClock", false);
    project.provide("dynamodb", AWS_ENDPOINT_URL_DYNAMODB);
    if (DEPLOYMENTS_TABLE) project.provide("table", DEPLOYMENTS_TABLE);
    return;
  }
  const service = await startService({}, [...node, "node_modules/.bin/sls", "offline", "--noTimeout"]);
  await loadFunctions(service.url);
  project.provide("apiUrl", service.url);
  project.provide("dynamodb", service.dynamodb);
  return () => stopService(service);
};

/** Makes a request to each function, which loads it: the time for that is no test's. */
const loadFunctions = async (url: string): Promise<void> => {
  for (const { method, path } of routes.filter((route) => route.method !== "*"))
    await fetch(`${url}${path.replaceAll(/\{\w+\}/g, "x")}`, { method });
};
