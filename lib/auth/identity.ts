import type { AccessRule } from "./access-rules.ts";

/** The identity in a verified token. */
export interface Identity {
  projectId: string;
  roles: string[];
  /** The only requests that the token allows; undefined if it is not restricted by access rules. */
  accessRules?: AccessRule[] | undefined;
  /** The end of the time for which the token is accepted, in ms since 1970: its expiry, and `CLOCK_LEEWAY` more. */
  expiresAt: number;
}

/** The time by which the clocks of this service and of a token's issuer may differ, in seconds. */
export const CLOCK_LEEWAY = 10;
