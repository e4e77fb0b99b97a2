import type { ConditionCheck } from "../../dynamodb/calls.ts";
import { all, any, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { configReferencesAreChecked } from "../../settings.ts";
import { isId } from "../../shapes.ts";
import { epochSeconds } from "../../times.ts";
import { findConfig } from "./read.ts";
import { type ConfigRow, TableName } from "./row.ts";

/** Whether a deployment may only name a configuration that its project keeps here. */
export const REFERENCES_ARE_CHECKED = configReferencesAreChecked();

/**
 * Checks that configurations exist, by reading them before anything is written.
 * @throws ServiceError `invalid` when the project has no such configuration, `unavailable`
 */
export async function checkReferences(projectId: string, ids: string[]): Promise<void> {
  for (const id of new Set(ids)) if (!(await findConfig(projectId, id))) throw unknownReference(id);
}

/**
 * The same as conditions of a transaction, one for each configuration: they hold while it exists and is not being
 * removed.
 * @throws ServiceError `invalid` for an id that cannot be one
 */
export function referenceConditions(projectId: string, ids: string[], now: Date): ConditionCheck[] {
  return [...new Set(ids)].map((id) => {
    if (!isId(id)) throw unknownReference(id);
    const row = new Expression<ConfigRow>();
    return {
      TableName,
      Key: { project_id: projectId, id },
      ConditionExpression: all(row.exists("id"), isNotBeingRemoved(row, now)),
      ...row.placeholders,
    };
  });
}

/** The condition that no request is removing a configuration; a mark that was left behind ends by itself. */
export function isNotBeingRemoved(row: Expression<ConfigRow>, now: Date, ...unless: string[]): string {
  return any(row.isAbsent("removingUntil"), row.compare("removingUntil", "<", epochSeconds(now)), ...unless);
}

/** The error for a reference to a configuration that is not there. */
export function unknownReference(id: string): ServiceError {
  return new ServiceError("invalid", `config_id: Config with id ${id} not found`);
}
