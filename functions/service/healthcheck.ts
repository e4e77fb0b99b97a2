import * as z from "zod/mini";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";

const Healthcheck = z.object({ detailed: z.boolean(), reasons: z.array(z.unknown()) });

/** `GET /healthcheck`: says the same as `/health`, in the form of OpenStack's own services, which their monitors read. */
export const handler = endpoint({ access: byAnyone, response: Healthcheck }, async () => ({
  detailed: false,
  reasons: [],
}));
