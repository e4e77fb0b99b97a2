import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import * as z from "zod/mini";
import { UpstreamError } from "../errors.ts";
import type { KeystoneSettings } from "../settings.ts";
import { getJson } from "./get-json.ts";
import type { Identity } from "./identity.ts";
import { invalidToken, tokenNotCheckable } from "./refusals.ts";

/** What is read of Keystone's answer. A token that is not scoped to a project has none of these. */
const ValidatedToken = z.object({
  token: z.object({
    project: z.object({ id: z.string() }),
    roles: z.array(z.object({ name: z.string() })),
    expires_at: z.string(),
  }),
});

/** How long what Keystone refused is refused without asking again, in ms, and how many such tokens are remembered. */
const REFUSED_AGE = 10_000;
const MAX_REFUSED = 1_000;

/** The statuses by which Keystone says that it does not know the token. */
const REFUSALS = [401, 403, 404];

/**
 * Makes the check of Keystone v3 tokens: the token asks Keystone about itself (`GET /auth/tokens`).
 * @returns a function that rejects with ServiceError `unauthorized` for a token that Keystone refuses or that has no
 *   project, which is remembered for 10 s so that a flood of one bad token is one call; and with `unavailable` when
 *   Keystone gives no usable answer
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
    const headers = { "x-auth-token": token, "x-subject-token": token };
    const { status, document } = await getJson(url, headers).catch((error: unknown) => {
      throw tokenNotCheckable(error);
    });
    if (status !== 200 && !REFUSALS.includes(status)) throw tokenNotCheckable(new UpstreamError(status));
    const answer = ValidatedToken.safeParse(document);
    if (!answer.success) {
      refused.set(key, true);
      throw invalidToken();
    }
    const { project, roles, expires_at } = answer.data.token;
    return {
      projectId: project.id,
      roles: roles.map(({ name }) => name),
      expiresAt: Date.parse(expires_at),
    };
  };
}
