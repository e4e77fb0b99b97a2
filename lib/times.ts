/**
 * The times of a request, each stated here alone: how long its parts may take, and from that how long a function runs,
 * which is also how old a write can be when it lands.
 */

/** How long a connection to DynamoDB, or to Secrets Manager, may take, in ms. */
export const CONNECT_TIMEOUT = 500;

/** How long one try of a call to either may take, in ms: then it is given up, and tried again. */
export const TRY_TIMEOUT = 1_000;

/** How often a call to DynamoDB is tried. */
export const TRIES = 3;

/** How long the SDK waits between these tries in all, in ms: where calls are throttled, up to 1 s and then 2 s. */
export const WAITS = 3_000;

/** How long whoever issued a token, or its keys, may take to answer, in ms. */
export const TOKEN_TIMEOUT = 3_000;

/**
 * How long before its function's end a request is answered 503, in ms. No call to DynamoDB begins after that. What was
 * sent before is taken to land in the time of a try, or never.
 */
export const LAST_CALL = TRY_TIMEOUT;

/**
 * How long a function runs at most, in seconds; `timeout` in `serverless.yml`. A token that takes all its time to be
 * checked leaves enough for a call that needs all its tries.
 *
 * No write is older than this when it lands: the times in a row are taken while its function runs, and the request's
 * signal lets no call, and no repeat of one, begin in the last second, however often DynamoDB throttles and however long
 * it asks the SDK to wait.
 */
export const FUNCTION_TIMEOUT = (TOKEN_TIMEOUT + TRIES * TRY_TIMEOUT + WAITS + LAST_CALL) / 1_000;
