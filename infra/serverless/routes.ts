import type { Hooks, Serverless } from "./framework.ts";
import { routesVariable } from "./route-table.ts";

/**
 * Serverless plugin: hands the route table of `serverless.yml` to the function that answers what no route takes,
 * so that it knows an unknown address from a known one with another method.
 */
export default class Routes {
  readonly hooks: Hooks = { initialize: () => this.#hand() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #hand(): void {
    const definitions = Object.values(this.#serverless.service.functions);
    const routes = definitions.flatMap(({ events }) => events.map(({ httpApi }) => httpApi));
    for (const definition of definitions) {
      if (!definition.events.some(({ httpApi }) => httpApi === "*")) continue;
      definition.environment = { ...definition.environment, ROUTES: routesVariable(routes) };
    }
  }
}
