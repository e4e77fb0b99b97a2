/**
 * What requests are counted as: metrics without a dimension. Of deployments, requests that succeed count what they have
 * done; all else is counted of requests that fail.
 */
export const COUNTS = [
  "DeploymentsCreated",
  "DeploymentsCollected",
  "DeploymentsCompleted",
  "DeploymentsFailed",
  /** Answers of 500 and above. */
  "ServerErrors",
  /** Results of runs that were not taken, whatever was wrong with them. */
  "ResultsRefused",
  /** Tokens that could be held neither against their issuer's keys nor against Keystone. */
  "TokenChecksFailed",
  /** Requests that needed the keys of signed links, which could not be read. */
  "LinkKeysFailed",
  /** Requests to a function whose start has failed, as a setting is wrong. */
  "StartsFailed",
] as const;
export type Count = (typeof COUNTS)[number];

/** How often a request counts; what is 0 is the same as absent. */
export type Counts = Partial<Record<Count, number>>;
