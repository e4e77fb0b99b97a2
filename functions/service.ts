import * as z from "zod/mini";
import { byProject } from "../lib/http/authorize.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { byAnyone } from "../lib/http/event.ts";
import { fallback as fallbackEndpoint } from "../lib/http/fallback.ts";
import { jsonObject, ProjectPath } from "../lib/wire/fields.ts";

const Versions = z.object({
  versions: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      links: z.array(z.object({ rel: z.string(), href: z.string() })),
    }),
  ),
});

/** `GET /` and `GET /v1`: which versions of the API there are, as Heat tells it. */
export const versions = endpoint(
  { answer: Versions, status: 300, access: byAnyone },
  async ({ baseUrl }) => ({
    versions: [{ id: "v1.0", status: "CURRENT", links: [{ rel: "self", href: `${baseUrl}/v1/` }] }],
  }),
);

const Health = z.object({ status: z.literal("ok") });

/** `GET /health`: that functions run; no other part of the service is asked. */
export const health = endpoint({ answer: Health, access: byAnyone }, async () => ({ status: "ok" as const }));

const ValidatedTemplate = z.object({
  Description: z.string(),
  Parameters: jsonObject,
  ParameterGroups: z.array(z.unknown()),
  Environment: jsonObject,
});

/**
 * `POST /v1/{project_id}/validate`: the openstack CLI asks before it creates a configuration and gives up on a
 * 4xx. There are no templates here, so there is nothing to find wrong with one.
 */
export const validate = endpoint(
  { access: byProject, path: ProjectPath, body: jsonObject, answer: ValidatedTemplate },
  async () => ({
    Description: "",
    Parameters: {},
    ParameterGroups: [],
    Environment: {},
  }),
);

const NoStacks = z.object({ stacks: z.array(z.unknown()) });

/** `GET /v1/{project_id}/stacks`: there are none, and clients that look for a Heat are content. */
export const stacks = endpoint({ access: byProject, path: ProjectPath, answer: NoStacks }, async () => ({
  stacks: [],
}));

/** Everything that no route takes. */
export const fallback = fallbackEndpoint();
