/** Prints a token for the service on this machine: `npm run -s token -- --project P`. */
import { parseArgs } from "node:util";
import { exitWithUsage } from "../exit-with-error.ts";
import { signToken } from "./signing-key.ts";

const USAGE = "npm run -s token -- --project P [--roles member,…] [--expires-in SECONDS]";

const options = {
  project: { type: "string" },
  roles: { type: "string", default: "member" },
  "expires-in": { type: "string", default: "3600" },
} as const;

try {
  const { project = "", roles, "expires-in": expiresIn } = parseArgs({ options }).values;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(project))
    throw new Error("--project: 1 to 64 of A-Z a-z 0-9 _ - are expected");
  if (!/^[1-9]\d{0,8}$/.test(expiresIn))
    throw new Error("--expires-in: a whole number of seconds from 1 is expected");
  process.stdout.write(`${await signToken(project, roles.split(","), Number(expiresIn))}\n`);
} catch (error) {
  exitWithUsage(error as Error, USAGE);
}
