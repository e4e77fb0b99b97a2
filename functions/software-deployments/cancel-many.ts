import { ManyRequest, ManyResults } from "../../lib/deployment/many-request.ts";
import { changeMany } from "../../lib/deployment/store/change-many.ts";
import { applyCancel } from "../../lib/deployment/transitions.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ProjectPath } from "../../lib/shapes.ts";

/**
 * `POST /v1/{project_id}/software_deployments/cancel`: cancels up to 100 deployments, each by itself.
 * The answer says what has become of each, in the order asked. A repeat under the `Idempotency-Key` does those that were
 * not done.
 */
export const handler = endpoint(
  {
    access: byProject,
    path: ProjectPath,
    body: ManyRequest,
    idempotent: true,
    response: ManyResults,
  },
  async ({ body, idempotencyKey, change, count, refusalOf }) => {
    const context = { ...change, verb: "cancel" as const, idempotencyKey, refusalOf, count };
    return { results: await changeMany(body.ids, (before) => applyCancel(before, {}, change), context) };
  },
);
