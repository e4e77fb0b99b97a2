/**
 * Whether the long form of tests runs (`npm run test:long`, in `.ci/run`): the same cases with more of everything, which
 * `npm test` has no time for.
 */
export const isLong = process.env.LONG_TESTS === "1";

/** How often, or how many: in `npm test`, and in the long form. A variable of that name says otherwise. */
export const amount = (name: string, few: number, many: number): number =>
  Number(process.env[name] ?? (isLong ? many : few));
