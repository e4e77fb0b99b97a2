import type { AccessRule } from "./access-rules.ts";

/** The identity in a verified token. */
export interface Identity {
  projectId: string;
  roles: string[];
  /** The only requests that the token allows; undefined if it is not restricted by access rules. */
  accessRules?: AccessRule[] | undefined;
  /** The token's expiry, in ms since 1970. */
  expiresAt: number;
}
