import { fromEnv } from "@aws-sdk/credential-provider-env";
import { memoize } from "@smithy/core/config";

/**
 * Replaces `@aws-sdk/credential-provider-node` in the bundles (`infra/stack/build.yml`): on Lambda, credentials are
 * environment variables, the same as long as the container lives, so they are read once and not with every call. The
 * SDK's chain of other sources, with its clients for SSO and STS, is a fifth of a bundle and is never used there.
 */
export const defaultProvider = (...init: Parameters<typeof fromEnv>) => memoize(fromEnv(...init));
