import { AUDIENCE, ISSUER, linkKey, publicKeySet } from "./signing-key.ts";
import { CREDENTIALS, REGION } from "./tables.ts";

/** The key of servers' links, as environment variables. */
export const linkEnvironment = async () => ({ LINK_KEYS: await linkKey() });

/** What leads the SDK to an emulator, as environment variables. */
export const emulatorEnvironment = (endpoint: string) => ({
  AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_REGION: REGION,
});

/** What makes a function accept the tokens signed here, as environment variables. */
export const issuerEnvironment = async () => ({
  TOKEN_ISSUER: ISSUER,
  TOKEN_AUDIENCE: AUDIENCE,
  TOKEN_KEYS: JSON.stringify(await publicKeySet()),
});
