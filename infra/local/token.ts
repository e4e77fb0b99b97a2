import { parseArgs } from "node:util";
import { signToken } from "./signing-key.ts";

const USAGE = "npm run token -- --project P [--roles member,…] [--expires-in SECONDS]";

const options = {
  project: { type: "string" },
  roles: { type: "string", default: "member" },
  "expires-in": { type: "string", default: "3600" },
} as const;

try {
  const { project, roles, "expires-in": expiresIn } = parseArgs({ options }).values;
  if (!project) throw new Error("--project is required");
  if (!/^-?\d+$/.test(expiresIn)) throw new Error("--expires-in is a whole number of seconds");
  process.stdout.write(`${await signToken(project, roles.split(","), Number(expiresIn))}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\nusage: ${USAGE}\n`);
  process.exitCode = 2;
}
