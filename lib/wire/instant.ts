/** An instant in whole seconds of UTC, such as `2015-01-31T15:12:36Z`. */
export const instant = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

/**
 * An instant as a caller reads it.
 * @param zone how UTC is marked at its end: `Z`, or nothing for a client that cannot read it
 */
export const shownInstant = (stored: string, zone: string): string => stored.replace(/Z$/, zone);

/** Seconds since 1970. */
export const epoch = (time: Date): number => Math.floor(time.getTime() / 1_000);

/** The instant of a number of seconds since 1970. */
export const instantOf = (seconds: number): string => instant(new Date(seconds * 1_000));
