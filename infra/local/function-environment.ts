import { routes } from "../route-table.ts";
import { emulatorEnvironment, issuerEnvironment, linkEnvironment } from "./environment.ts";
import { CONFIGS_TABLE, TABLE } from "./stage.ts";

/**
 * What `serverless.yml` gives a function on the default stage, with the emulator and the issuer of local runs, as
 * environment variables.
 */
export const functionEnvironment = async (dynamodb: string): Promise<Record<string, string>> => ({
  SOFTWARE_DEPLOYMENTS_TABLE: TABLE,
  SOFTWARE_CONFIGS_TABLE: CONFIGS_TABLE,
  ROUTES: routes
    .filter(({ method }) => method !== "*")
    .map(({ method, path }) => `${method} ${path}`)
    .join(","),
  TOKEN_PROJECT_CLAIM: "project_id",
  TOKEN_ROLES_CLAIM: "roles",
  READER_ROLES: "reader",
  MEMBER_ROLES: "member,admin",
  LINK_DAYS: "90",
  ...(await linkEnvironment()),
  ...emulatorEnvironment(dynamodb),
  ...(await issuerEnvironment()),
});
