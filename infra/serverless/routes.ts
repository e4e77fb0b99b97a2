import type { Serverless } from "./framework.ts";
import { routesOf, routesVariable } from "./route-table.ts";

/**
 * Gives the route table to the function that answers what no route takes, so that it tells an unknown address from a
 * known one with another method.
 */
export function setRoutesVariable({ service }: Serverless): void {
  const definitions = Object.values(service.functions);
  const ROUTES = routesVariable(definitions.flatMap(({ events }) => routesOf(events)));
  for (const definition of definitions)
    if (routesOf(definition.events).includes("*"))
      definition.environment = { ...definition.environment, ROUTES };
}
