/** Ends the command with one sentence on standard error, and exit code 1. */
export function exitWithError(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Ends the command with what is wrong with its arguments and its usage on standard error, and exit code 2. */
export function exitWithUsage({ message }: Error, usage: string): never {
  process.stderr.write(`${message}\nusage: ${usage}\n`);
  process.exit(2);
}
