import * as z from "zod/mini";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ProjectPath } from "../../lib/shapes.ts";

const Build = z.object({ revision: z.string() });
const BuildInfo = z.object({ api: Build, engine: Build });

/** `GET /v1/{project_id}/build_info`: says which build this is, in the form of Heat, whose API and engine are two. */
export const handler = endpoint({ access: byProject, path: ProjectPath, response: BuildInfo }, async () => ({
  api: { revision: "unknown" },
  engine: { revision: "unknown" },
}));
