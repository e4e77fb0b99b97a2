/** Ends the command with one sentence on standard error, and exit code 1. */
export function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
