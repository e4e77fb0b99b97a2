import { AUDIENCE, ISSUER, linkKeyFile, publicKeySet } from "./signing-key.ts";
import { tableNames } from "./stage.ts";
import { CREDENTIALS, REGION } from "./tables.ts";

/** A stage's environment as CloudFormation would make it: the tables' names, and the place of the key of servers' links. */
export async function stageEnvironment(stage: string) {
  return {
    SOFTWARE_DEPLOYMENTS_TABLE: tableNames(stage).SoftwareDeploymentsTable,
    SOFTWARE_CONFIGS_TABLE: tableNames(stage).SoftwareConfigsTable,
    LINK_KEYS: (await linkKeyFile()).href,
  };
}

/** The environment that leads the SDK to an emulator. */
export function emulatorEnvironment(endpoint: string) {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: REGION,
  };
}

/** The environment with which a function accepts the tokens signed here. */
export async function issuerEnvironment() {
  return {
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: AUDIENCE,
    TOKEN_KEYS: JSON.stringify(await publicKeySet()),
  };
}
