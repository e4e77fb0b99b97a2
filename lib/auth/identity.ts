import type { AccessRule } from "./access-rules.ts";

/** Whom a verified token speaks for. */
export interface Identity {
  projectId: string;
  roles: string[];
  /** What the token may call, where it is restricted to that (an application credential with access rules). */
  accessRules?: AccessRule[] | undefined;
  /** When the token ends, in ms since 1970. */
  expiresAt: number;
}
