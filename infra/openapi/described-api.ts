import { functionEnvironment } from "../local/function-environment.ts";
import { recordExamples } from "./examples.ts";

/** The file of the API's description. */
export const FILE = new URL("../../functions/openapi.json", import.meta.url);

/** The API's description as the sources have it, as the text of a file. Starts the service for the examples. */
export async function describedApi(): Promise<string> {
  // The functions read their settings when they are loaded. None is called here, so there is no database.
  const { AWS_ENDPOINT_URL_DYNAMODB: _, ...settings } = await functionEnvironment("");
  Object.assign(process.env, settings);
  const { readEndpoints } = await import("./endpoints.ts");
  const { apiDocument } = await import("./document.ts");
  const endpoints = await readEndpoints();
  return `${JSON.stringify(apiDocument(endpoints, await recordExamples(endpoints)), null, 2)}\n`;
}
