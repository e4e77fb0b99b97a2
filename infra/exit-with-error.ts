/** Ends the command with one sentence on standard error, and exit code 1. */
export function exitWithError(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Ends a command that was given what it does not understand: its sentence and how it is used, and exit code 2. */
export function exitWithUsage({ message }: Error, usage: string): never {
  process.stderr.write(`${message}\nusage: ${usage}\n`);
  process.exit(2);
}
