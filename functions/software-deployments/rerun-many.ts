import { ManyRequest, ManyResults } from "../../lib/deployment/many-request.ts";
import type { Decide } from "../../lib/deployment/store/change.ts";
import { changeMany } from "../../lib/deployment/store/change-many.ts";
import { checkOutcome } from "../../lib/deployment/store/run-check.ts";
import { applyRerun } from "../../lib/deployment/transitions.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ProjectPath } from "../../lib/shapes.ts";

/**
 * `POST /v1/{project_id}/software_deployments/rerun`: has agents run up to 100 deployments once more, each by itself.
 * The answer says what has become of each, in the order asked. A repeat under the `Idempotency-Key` does those that were
 * not done, and none twice.
 */
export const handler = endpoint(
  {
    access: byProject,
    path: ProjectPath,
    body: ManyRequest,
    idempotent: true,
    response: ManyResults,
  },
  async ({ projectId, body, idempotencyKey, change, count, refusalOf, isStrict, warn }) => {
    const context = { ...change, verb: "rerun" as const, idempotencyKey, refusalOf, count };
    const decide: Decide = (before) =>
      checkOutcome(before, applyRerun(before, {}, change), false, { projectId, isStrict, warn });
    return { results: await changeMany(body.ids, decide, context) };
  },
);
