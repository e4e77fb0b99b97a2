import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Serverless } from "./framework.ts";

/** The ARN of a role, in any partition. */
const ROLE = /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

/**
 * Serverless plugin: has CloudFormation work with the role that the parameter `cloudFormationRole` names, so that whoever
 * deploys needs no more than `infra/policies/deployer.json`. Without it CloudFormation has the caller's own rights.
 */
export default class CloudFormationRole {
  readonly hooks: Hooks = { initialize: () => this.#hand() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #hand(): void {
    const { custom, provider } = this.#serverless.service;
    const role = custom.cloudFormationRole;
    if (!role) return;
    if (!ROLE.test(role))
      exitWithError(
        `cloudFormationRole=${role}: a role's ARN is expected, as arn:aws:iam::123456789012:role/a-role`,
      );
    provider.iam = { deploymentRole: role };
  }
}
