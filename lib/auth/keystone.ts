import * as z from "zod/mini";
import type { KeystoneSettings } from "../config.ts";
import { ServiceError } from "../errors.ts";
import { getJson } from "./get-json.ts";
import type { Identity } from "./identity.ts";

/** What is read of Keystone's answer; a token without a project has none of these. */
const ValidatedToken = z.object({
  token: z.object({
    project: z.object({ id: z.string() }),
    roles: z.array(z.object({ name: z.string() })),
    expires_at: z.string(),
  }),
});

/** Keystone's ways to say that it does not know the token. */
const REFUSALS = [401, 403, 404];

const unauthorized = (): ServiceError =>
  new ServiceError("unauthorized", "Authorization failed: the token is not valid.");

const unavailable = (cause: unknown): ServiceError =>
  new ServiceError("unavailable", "The token cannot be checked at the moment.", { cause });

/**
 * Makes the check of Keystone v3 tokens: the token asks Keystone about itself (`GET /auth/tokens`).
 * @returns a function that rejects with ServiceError `unauthorized` for a token that Keystone refuses or that
 *   has no project, and with `unavailable` when Keystone gives no usable answer
 */
export const keystoneVerifier = ({ authUrl }: KeystoneSettings): ((token: string) => Promise<Identity>) => {
  const url = new URL(`${authUrl}/auth/tokens?nocatalog=1`);
  return async (token) => {
    const headers = { "x-auth-token": token, "x-subject-token": token };
    const { status, document } = await getJson(url, headers).catch((error: unknown) => {
      throw unavailable(error);
    });
    if (REFUSALS.includes(status)) throw unauthorized();
    if (status !== 200) throw unavailable(new Error(`Keystone answered ${status}.`));
    const answer = ValidatedToken.safeParse(document);
    if (!answer.success) throw unauthorized();
    const { project, roles, expires_at } = answer.data.token;
    return {
      projectId: project.id,
      roles: roles.map(({ name }) => name),
      expiresAt: Date.parse(expires_at),
    };
  };
};
