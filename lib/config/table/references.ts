import { ServiceError } from "../../errors.ts";
import { configReferencesAreChecked } from "../../settings.ts";
import { findConfig } from "./read.ts";

/**
 * Checks that configurations exist, on a stage with `configReferences: checked`.
 * @param ids undefined ones refer to nothing
 * @throws ServiceError `invalid` when the project has no such configuration, `unavailable`
 */
export async function checkReferences(projectId: string, ...ids: (string | undefined)[]): Promise<void> {
  if (!configReferencesAreChecked()) return;
  for (const id of new Set(ids)) {
    if (id === undefined || (await findConfig(projectId, id))) continue;
    throw new ServiceError("invalid", `config_id: Config with id ${id} not found`);
  }
}
