import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Serverless } from "./framework.ts";

/** The functions that serve the API's description and its page. */
const FUNCTIONS = ["showApiDescription", "showApiPage"];

/** Serverless plugin: leaves the API's description out of a stage whose parameter `apiDescription` is `off`. */
export default class ApiDescription {
  readonly hooks: Hooks = { initialize: () => this.#leaveOut() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #leaveOut(): void {
    const { custom, functions } = this.#serverless.service;
    if (custom.apiDescription === "on") return;
    if (custom.apiDescription !== "off")
      exitWithError(`apiDescription=${custom.apiDescription}: on or off is expected`);
    for (const name of FUNCTIONS) delete functions[name];
  }
}
