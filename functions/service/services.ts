import * as z from "zod/mini";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ProjectPath } from "../../lib/shapes.ts";

const ServiceList = z.object({ services: z.array(z.unknown()) });

/** `GET /v1/{project_id}/services`: lists nothing; there are no engines to be listed. */
export const handler = endpoint(
  { access: byProject, path: ProjectPath, response: ServiceList },
  async () => ({
    services: [],
  }),
);
