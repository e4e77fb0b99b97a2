/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles (`infra/build.yml`): on Lambda, credentials are
 * environment variables. The SDK's chain of other sources, with its clients for SSO and STS, is a fifth of a
 * bundle and is never used there.
 */
export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";
