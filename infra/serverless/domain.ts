import { exitWithError } from "../exit-with-error.ts";
import type { Serverless } from "./framework.ts";

/** Leaves `infra/stack/domain.yml` out of a stage without a domain; refuses a domain without its certificate. */
export function leaveOutDomain({ service: { custom, resources } }: Serverless): void {
  const { name, certificate } = custom.domain;
  if (name && !certificate)
    exitWithError(
      `domainName=${name}: certificateArn is expected beside it, a certificate for it in the same region`,
    );
  if (certificate && !name)
    exitWithError("certificateArn: domainName is expected beside it, the domain that the certificate is for");
  if (name) return;
  delete resources.Resources.Domain;
  delete resources.Resources.DomainMapping;
  delete resources.Outputs.DomainTarget;
  delete resources.Outputs.HttpApiUrl;
  delete resources.extensions.HttpApi;
}
