import * as z from "zod/mini";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";

const Versions = z.object({
  versions: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      links: z.array(z.object({ rel: z.string(), href: z.string() })),
    }),
  ),
});

/** `GET /` and `GET /v1`: lists the versions of the API, in the form of Heat's version document. */
export const handler = endpoint(
  { access: byAnyone, response: Versions, status: 300 },
  async ({ baseUrl }) => ({
    versions: [{ id: "v1.0", status: "CURRENT", links: [{ rel: "self", href: `${baseUrl}/v1/` }] }],
  }),
);
