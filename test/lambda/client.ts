import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * The folder that Lambda's runtime client is installed in, the npm package `aws-lambda-ric`: `AWS_LAMBDA_RIC` names it.
 * Where the client is not there, it says what is left out and ends the process: as a failure in CI.
 * @param what is left out
 */
export const runtimeClient = (what: string): string => {
  const folder = process.env.AWS_LAMBDA_RIC ?? "";
  if (existsSync(join(folder, "node_modules/aws-lambda-ric/rapid-client.node"))) return folder;
  process.stdout.write(`left out: ${what}, as AWS_LAMBDA_RIC names no folder with Lambda's runtime client\n`);
  process.exit(process.env.CI ? 1 : 0);
};
