import { refuse } from "./refuse.ts";
import type { Hooks, Options, Serverless } from "./serverless-plugin.ts";

/** Serverless plugin: refuses a `--param` that `serverless.yml` does not know, which is usually a typing error. */
export default class Parameters {
  readonly hooks: Hooks = { initialize: () => this.#check() };
  readonly #serverless: Serverless;
  readonly #options: Options;

  constructor(serverless: Serverless, options: Options) {
    this.#serverless = serverless;
    this.#options = options;
  }

  #check(): void {
    const { params } = this.#serverless.configurationInput;
    const known = new Set(Object.values(params).flatMap((stage) => Object.keys(stage)));
    for (const given of [this.#options.param ?? []].flat()) {
      const [name = ""] = given.split("=");
      if (known.has(name)) continue;
      refuse(`--param ${name}: there is no such parameter. Known are ${[...known].sort().join(", ")}.`);
    }
  }
}
