import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Options, Serverless } from "./framework.ts";

/** Keystone's versioned endpoint, such as `https://iam.example.com/v3`. */
const KEYSTONE = /^https?:\/\/[^/?#\s]+(?:\/[\w.~-]+)*\/v3\/?$/;

/**
 * Serverless plugin: refuses a `--param` that `serverless.yml` does not know, which is usually a typing error, and an
 * address of Keystone that would fail at every request.
 */
export default class Parameters {
  readonly hooks: Hooks = {
    initialize: () => {
      this.#checkNames();
      this.#checkKeystone();
    },
  };
  readonly #serverless: Serverless;
  readonly #options: Options;

  constructor(serverless: Serverless, options: Options) {
    this.#serverless = serverless;
    this.#options = options;
  }

  #checkNames(): void {
    const { params } = this.#serverless.configurationInput;
    const known = new Set(Object.values(params).flatMap((stage) => Object.keys(stage)));
    for (const given of [this.#options.param ?? []].flat()) {
      const [name = ""] = given.split("=");
      if (known.has(name)) continue;
      exitWithError(
        `--param ${name}: there is no such parameter. Known are ${[...known].sort().join(", ")}.`,
      );
    }
  }

  #checkKeystone(): void {
    const { KEYSTONE_AUTH_URL: url } = this.#serverless.service.provider.environment;
    if (!url || KEYSTONE.test(url)) return;
    exitWithError(
      `keystoneAuthUrl=${url}: Keystone's address up to /v3 is expected, as https://iam.example.com/v3`,
    );
  }
}
