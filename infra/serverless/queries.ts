import type { Hooks, Serverless } from "./framework.ts";

/** A query of `infra/stack/queries.yml`, and other resources. */
interface SavedQuery {
  Type: string;
  Properties: { LogGroupNames?: { Ref: string }[] };
}

/** Serverless plugin: has the saved queries look into the logs of all functions of a stage, and of its gateway. */
export default class Queries {
  readonly hooks: Hooks = { "before:package:setupProviderConfiguration": () => this.#handLogGroups() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #handLogGroups(): void {
    const { functions, resources } = this.#serverless.service;
    const { naming } = this.#serverless.getProvider("aws");
    const ids = Object.keys(functions).map((name) => naming.getLogGroupLogicalId(name));
    const LogGroupNames = [...ids, naming.getHttpApiLogGroupLogicalId()].map((Ref) => ({ Ref }));
    for (const { Type, Properties } of Object.values(resources.Resources) as SavedQuery[])
      if (Type === "AWS::Logs::QueryDefinition") Object.assign(Properties, { LogGroupNames });
  }
}
