import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Serverless } from "./framework.ts";

/**
 * Serverless plugin: leaves `infra/stack/domain.yml` out of a stage that has no domain of its own, and refuses a domain without
 * its certificate.
 */
export default class Domain {
  readonly hooks: Hooks = { initialize: () => this.#leaveOut() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #leaveOut(): void {
    const { custom, resources } = this.#serverless.service;
    const { name, certificate } = custom.domain;
    if (name && !certificate)
      exitWithError(
        `domainName=${name}: certificateArn is expected beside it, a certificate for it in the same region`,
      );
    if (certificate && !name)
      exitWithError(
        "certificateArn: domainName is expected beside it, the domain that the certificate is for",
      );
    if (name) return;
    delete resources.Resources.Domain;
    delete resources.Resources.DomainMapping;
    delete resources.Outputs.DomainTarget;
    delete resources.extensions.HttpApi;
  }
}
