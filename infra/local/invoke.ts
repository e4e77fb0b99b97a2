import type { Options, Serverless } from "../serverless/framework.ts";
import { completeStage } from "./complete-stage.ts";
import { EXAMPLE_PROJECT } from "./example.ts";
import { signToken } from "./signing-key.ts";

/**
 * Completes the stage for `sls invoke local`, which reads the functions' environment before its first own event. Links
 * in answers lead to the local service, as an event that is written by hand has no domain name.
 */
export async function completeInvocation(serverless: Serverless): Promise<void> {
  if (serverless.processedInput.commands.join(" ") !== "invoke local") return;
  await completeStage(serverless);
  const { provider, custom } = serverless.service;
  provider.environment.PUBLIC_URL ||= `http://localhost:${custom["serverless-offline"].httpPort}`;
}

/** Replaces `$TOKEN` in the event of `sls invoke local` by a token for the event's project. */
export async function setExampleToken({ data = {} }: Options): Promise<void> {
  const { headers, pathParameters } = data;
  if (headers?.["x-auth-token"] !== "$TOKEN") return;
  headers["x-auth-token"] = await signToken(pathParameters?.project_id ?? EXAMPLE_PROJECT, ["member"], 60);
}
