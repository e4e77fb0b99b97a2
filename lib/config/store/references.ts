import type { ConditionCheck } from "../../dynamodb/calls.ts";
import { all, any, Expression } from "../../dynamodb/expression.ts";
import { ServiceError } from "../../errors.ts";
import { configReferencesAreChecked } from "../../settings.ts";
import { isId } from "../../shapes.ts";
import { epochSeconds } from "../../times.ts";
import { findConfig } from "./read.ts";
import { type ConfigRow, TableName } from "./row.ts";

/** Whether this stage refuses deployments whose configuration does not exist in their project. */
export const REFERENCES_ARE_CHECKED = configReferencesAreChecked();

/**
 * Checks that configurations exist, by reading them.
 * @throws ServiceError `invalid` if the project does not have one of them, `unavailable`
 */
export async function checkReferences(projectId: string, ids: string[]): Promise<void> {
  for (const id of new Set(ids)) if (!(await findConfig(projectId, id))) throw unknownReference(id);
}

/**
 * The conditions of a transaction that configurations exist and are not being removed, one for each.
 * @throws ServiceError `invalid` for a text that is no id
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

/**
 * The condition that no request is removing a configuration, or one of `unless` holds. An expired mark does not count.
 */
export function isNotBeingRemoved(row: Expression<ConfigRow>, now: Date, ...unless: string[]): string {
  return any(row.isAbsent("removingUntil"), row.compare("removingUntil", "<", epochSeconds(now)), ...unless);
}

/** The error for a reference to a configuration that does not exist. */
export function unknownReference(id: string): ServiceError {
  return new ServiceError("invalid", `config_id: Config with id ${id} not found`);
}
