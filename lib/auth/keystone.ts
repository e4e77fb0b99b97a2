import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import * as z from "zod/mini";
import { ServiceError, UpstreamError } from "../errors.ts";
import type { KeystoneSettings } from "../settings.ts";
import { getJson } from "./get-json.ts";
import { CLOCK_LEEWAY, type Identity } from "./identity.ts";
import { invalidToken, tokenNotCheckable } from "./refusals.ts";

/** The part of Keystone's response that is read. `project` is absent for a token without a project's scope. */
const ValidatedToken = z.object({
  token: z.object({
    project: z.optional(z.object({ id: z.string() })),
    roles: z.optional(z.array(z.object({ name: z.string() }))),
    expires_at: z.string(),
    application_credential: z.optional(
      z.object({
        access_rules: z.optional(
          z.array(z.object({ service: z.string(), method: z.string(), path: z.string() })),
        ),
      }),
    ),
  }),
});

/** The time for which a refused token is refused without asking Keystone again, in ms, and the most such tokens. */
const REFUSED_AGE = 10_000;
const MAX_REFUSED = 1_000;

/** The statuses that mean that the token is not valid. */
const REFUSALS = [401, 403, 404];

/**
 * The check of Keystone v3 tokens: the token validates itself (`GET /auth/tokens`).
 * @returns a function that throws ServiceError `forbidden` for a token without a project, `unauthorized` for one that
 *   Keystone refuses (cached for 10 s, so that a flood of one bad token is one call), and `unavailable` if Keystone
 *   gives no usable answer
 */
export function keystoneVerifier({ authUrl }: KeystoneSettings): (token: string) => Promise<Identity> {
  const url = new URL(`${authUrl}/auth/tokens?nocatalog=1`);
  const refused = new LRUCache<string, true>({
    max: MAX_REFUSED,
    ttl: REFUSED_AGE,
    perf: { now: () => Date.now() },
    ttlResolution: 0,
  });
  return async (token) => {
    const key = hash("sha256", token, "base64url");
    if (refused.has(key)) throw invalidToken();
    const headers = {
      "x-auth-token": token,
      "x-subject-token": token,
      // Without it, Keystone refuses tokens of application credentials that have access rules.
      "openstack-identity-access-rules": "1.0",
    };
    const { status, document } = await getJson(url, headers).catch((error: unknown) => {
      throw tokenNotCheckable(error);
    });
    if (status !== 200 && !REFUSALS.includes(status)) throw tokenNotCheckable(new UpstreamError(status));
    const answer = ValidatedToken.safeParse(document);
    if (!answer.success) {
      refused.set(key, true);
      throw invalidToken(status === 403 ? new UpstreamError(status) : undefined);
    }
    const { project, roles = [], expires_at, application_credential } = answer.data.token;
    if (!project)
      throw new ServiceError("forbidden", "Authorization failed: the token is not scoped to a project.");
    return {
      projectId: project.id,
      roles: roles.map(({ name }) => name),
      accessRules: application_credential?.access_rules,
      expiresAt: Date.parse(expires_at) + CLOCK_LEEWAY * 1_000,
    };
  };
}
