/**
 * Starts AWS on this machine, prints what a shell needs to call it, and runs until Ctrl-C. Whoever uses it so may do
 * everything; `infra/README.md` goes on from here.
 */
import { once } from "node:events";
import { ROOT, startEmulator } from "./emulator.ts";

const aws = await startEmulator();
const { HOME: _, ...environment } = aws.environment(ROOT);
for (const [name, value] of Object.entries(environment)) process.stdout.write(`export ${name}='${value}'\n`);
process.stdout.write(
  `# The first API that is deployed, with --param publicUrl=${aws.apiUrl}:\n# ${aws.apiUrl}\n`,
);
await once(process, "SIGINT");
await aws.stop();
process.exit();
