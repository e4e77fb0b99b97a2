import * as z from "zod/mini";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { jsonObject, ProjectPath, shownObject } from "../../lib/shapes.ts";

const ValidatedTemplate = z.object({
  Description: z.string(),
  Parameters: shownObject(),
  Environment: shownObject(),
});

/**
 * `POST /v1/{project_id}/validate`: says that a template is valid. The openstack CLI asks before it creates a
 * configuration and gives up on a 4xx. There are no templates here, so there is nothing to find wrong with one.
 */
export const handler = endpoint(
  { access: byProject, path: ProjectPath, body: jsonObject(), response: ValidatedTemplate },
  async () => ({ Description: "", Parameters: {}, Environment: {} }),
);
