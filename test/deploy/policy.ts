import { readFileSync } from "node:fs";
import type { Call } from "./calls.ts";

interface Statement {
  Effect: "Allow";
  Action: string[];
  Resource: string;
}

const { Statement: statements } = JSON.parse(
  readFileSync(new URL("../../infra/policies/deployer.json", import.meta.url), "utf8"),
) as { Statement: Statement[] };

/** The actions that `infra/policies/deployer.json` allows. */
export const allowedActions = statements.flatMap(({ Action }) => Action);

/** Whether `infra/policies/deployer.json` allows a call. Conditions are taken as met. */
export const isAllowed = ({ action, resource }: Call): boolean =>
  statements.some(({ Action, Resource }) => Action.includes(action) && matches(Resource, resource));

/** As IAM matches an ARN: `*` is any number of any characters. */
const matches = (pattern: string, arn: string): boolean =>
  new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`, "s").test(arn);
