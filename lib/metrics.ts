/**
 * The names of the counted business metrics; they have no dimension. Those of deployments are counted for requests that
 * succeed, all others for requests that fail.
 */
export const COUNTS = [
  "DeploymentsCreated",
  "DeploymentsCollected",
  "DeploymentsCompleted",
  "DeploymentsFailed",
  /** Answers of 500 and above. */
  "ServerErrors",
  /** Signals that failed, for whatever reason. */
  "ResultsRefused",
  /** Tokens that could not be checked: neither the issuer's keys nor Keystone could be reached. */
  "TokenChecksFailed",
  /** Requests that needed the keys of signed links, which could not be read. */
  "LinkKeysFailed",
  /** Requests to a function with a wrong setting. */
  "StartsFailed",
] as const;
export type Count = (typeof COUNTS)[number];

/** The counts of one request; zero is the same as absent. */
export type Counts = Partial<Record<Count, number>>;
