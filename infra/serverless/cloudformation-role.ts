import { exitWithError } from "../exit-with-error.ts";
import type { Serverless } from "./framework.ts";

/** The ARN of a role, in any partition. */
const ROLE = /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

/**
 * Has CloudFormation work with the role of the parameter `cloudFormationRole`, so that who deploys needs no more rights
 * than `infra/policies/deployer.json`. Without the parameter CloudFormation has the caller's rights.
 */
export function setCloudFormationRole({ service: { custom, provider } }: Serverless): void {
  const role = custom.cloudFormationRole;
  if (!role) return;
  if (!ROLE.test(role))
    exitWithError(
      `cloudFormationRole=${role}: a role's ARN is expected, as arn:aws:iam::123456789012:role/a-role`,
    );
  provider.iam = { deploymentRole: role };
}
