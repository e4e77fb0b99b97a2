import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface ServerlessFile {
  functions: Record<
    string,
    { handler: string; dynamodb?: Record<string, string[]>; events: { httpApi: string }[] }
  >;
}

const { functions } = parse(
  readFileSync(new URL("../../serverless.yml", import.meta.url), "utf8"),
) as ServerlessFile;

/** One line of the route table; the method `*` is what no other line takes. */
export interface Route {
  /** The function's name in `serverless.yml`. */
  name: string;
  method: string;
  path: string;
  /** The handler's file without its ending, and the name it is exported under. */
  file: string;
  exported: string;
}

/** The names of the functions in `serverless.yml`. */
export const functionNames = Object.keys(functions);

/** The handlers of the functions, one for each. */
export const functionHandlers = Object.values(functions).map(({ handler }) => handler);

/** The route table of `serverless.yml`. */
export const routes: Route[] = Object.entries(functions).flatMap(([name, { handler, events }]) =>
  events.map(({ httpApi }) => {
    const [method = "", path = ""] = httpApi.split(" ");
    const [file = "", exported = ""] = handler.split(".");
    return { name, method, path, file, exported };
  }),
);

/**
 * Routes as the environment variable `ROUTES` holds them, each path once: `GET,HEAD /health;POST /v1/…`.
 * @param events routes as events have them: `GET /health`; the one for everything else is left out
 */
export function routesVariable(events: string[]): string {
  const methods = new Map<string, string[]>();
  for (const event of events.filter((one) => one !== "*")) {
    const [method = "", path = ""] = event.split(" ");
    methods.set(path, [...(methods.get(path) ?? []), method]);
  }
  return [...methods].map(([path, of]) => `${of.join(",")} ${path}`).join(";");
}
