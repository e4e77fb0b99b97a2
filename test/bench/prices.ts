/**
 * The price list that `cost.ts` reckons with: us-east-1, on demand, without free tiers, in US dollars, as AWS listed
 * them in November 2026.
 */
export const PRICES = {
  /** A million requests of an HTTP API, of up to 512 KB. */
  gateway: 1.0,
  /** A million invocations. */
  invocations: 0.2,
  /** A GB of memory for a second, on arm64. */
  gigabyteSecond: 0.0000133334,
  /** A million write and read units. */
  writes: 0.625,
  reads: 0.125,
  /** A GB of logs taken in. */
  logs: 0.5,
};

/** A function's memory in GB, and the share of a CPU that comes with it. */
export const MEMORY_GB = 0.5;
export const CPU_SHARE = 512 / 1_769;

/** The duration of a DynamoDB call between AWS's own machines, in ms: an assumption. */
export const DYNAMODB_MS = 4;
