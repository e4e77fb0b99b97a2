import { AUDIENCE, ISSUER, linkKeyFile, publicKeySet } from "./signing-key.ts";
import { tableNames } from "./stage.ts";
import { CREDENTIALS, REGION } from "./tables.ts";

/** What a stage has of CloudFormation's making: the tables' names, and where the key of servers' links is. */
export const stageEnvironment = async (stage: string) => ({
  SOFTWARE_DEPLOYMENTS_TABLE: tableNames(stage).SoftwareDeploymentsTable,
  SOFTWARE_CONFIGS_TABLE: tableNames(stage).SoftwareConfigsTable,
  LINK_KEYS: (await linkKeyFile()).href,
});

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
