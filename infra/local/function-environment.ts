import { routes, routesVariable } from "../serverless/route-table.ts";
import { emulatorEnvironment, issuerEnvironment, stageEnvironment } from "./environment.ts";
import { METRICS_NAMESPACE, STAGE } from "./stage.ts";

/**
 * The environment of a function on the default stage, with the emulator and the issuer of local runs.
 * @param dynamodb the emulator's address
 */
export async function functionEnvironment(dynamodb: string): Promise<Record<string, string>> {
  return {
    ROUTES: routesVariable(routes.map(({ method, path }) => (method === "*" ? "*" : `${method} ${path}`))),
    TOKEN_PROJECT_CLAIM: "project_id",
    TOKEN_ROLES_CLAIM: "roles",
    READER_ROLES: "reader",
    MEMBER_ROLES: "member,admin",
    LINK_DAYS: "90",
    METRICS_NAMESPACE,
    ...(await stageEnvironment(STAGE)),
    ...emulatorEnvironment(dynamodb),
    ...(await issuerEnvironment()),
  };
}
