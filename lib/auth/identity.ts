/** Whom a verified token speaks for. */
export interface Identity {
  projectId: string;
  roles: string[];
  /** When the token ends, in ms since 1970. */
  expiresAt: number;
}
