/** A time as the API writes it: ISO 8601 in UTC, whole seconds, such as `2015-01-31T15:12:36Z`. */
export function isoTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** The same, of a number of seconds since 1970. */
export function isoTimeOf(seconds: number): string {
  return isoTime(new Date(seconds * 1_000));
}

/** A time in whole seconds since 1970. */
export function epochSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
