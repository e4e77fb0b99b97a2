/**
 * Whether the long form of the tests runs (`npm run test:long`, which `.ci/run` calls): the same tests with more of
 * everything, for which `npm test` has no time.
 */
export const isLong = process.env.LONG_TESTS === "1";

/** How many: in `npm test`, and in the long form. An environment variable of that name says otherwise. */
export const amount = (name: string, few: number, many: number): number =>
  Number(process.env[name] ?? (isLong ? many : few));

/** Cases that the long form has beside others; `what` is printed where they are left out. */
export const inLongForm = <Case>(what: string, cases: Case[]): Case[] => {
  if (isLong) return cases;
  process.stderr.write(`left out: ${what}; npm run test:long has them\n`);
  return [];
};
