import * as z from "zod/mini";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ProjectPath } from "../../lib/shapes.ts";

const StackList = z.object({ stacks: z.array(z.unknown()) });

/** `GET /v1/{project_id}/stacks`: lists nothing, for clients that look for a Heat. */
export const handler = endpoint({ access: byProject, path: ProjectPath, response: StackList }, async () => ({
  stacks: [],
}));
