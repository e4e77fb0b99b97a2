import { readFileSync } from "node:fs";

interface Statement {
  Sid: string;
  Effect: "Allow";
  Action: string[];
}

/** The statements of a document in `infra/policies/`. */
export const statementsOf = (name: "deployer" | "cloudformation" | "operators"): Statement[] =>
  JSON.parse(readFileSync(new URL(`../../infra/policies/${name}.json`, import.meta.url), "utf8")).Statement;

/** The actions that a document in `infra/policies/` allows. */
export const allowedActions = (name: Parameters<typeof statementsOf>[0]): string[] =>
  statementsOf(name).flatMap(({ Action }) => Action);
