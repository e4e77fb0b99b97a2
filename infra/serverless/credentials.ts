import { exitWithError } from "../exit-with-error.ts";
import type { Serverless } from "./framework.ts";

/** The commands that ask AWS for something. */
const COMMANDS = [
  ...["deploy", "deploy function", "deploy list", "deploy list functions"],
  ...["info", "invoke", "logs", "metrics", "remove", "rollback", "rollback function"],
];

const MISSING =
  'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (infra/README.md, "Deploying")';

/**
 * Refuses a command that asks AWS where there are no credentials for it, before anything is packaged. The framework looks
 * for them, and keeps what it finds for the calls that follow: profiles, roles and single sign-on count as for these.
 */
export async function checkCredentials(serverless: Serverless): Promise<void> {
  if (!COMMANDS.includes(serverless.processedInput.commands.join(" "))) return;
  try {
    await serverless.getProvider("aws").getAwsSdkV3CredentialsProvider()();
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    exitWithError(`No AWS credentials: ${code === "AWS_CREDENTIALS_NOT_FOUND" ? MISSING : message}`);
  }
}
