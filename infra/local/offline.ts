import type { AddressInfo } from "node:net";
import type { Options, Serverless } from "../serverless/framework.ts";
import { announce } from "./announcement.ts";
import { answerAsDeployed } from "./as-deployed.ts";
import { completeStage } from "./complete-stage.ts";
import { accepting } from "./emulator.ts";
import { listening } from "./options.ts";
import { refuseWebPages } from "./web-pages.ts";

/**
 * Prepares `sls offline`, which then serves the routes of `serverless.yml`: the stage is complete, the answers are those
 * of API Gateway, and the address is announced once something listens there. Streams, queues and schedules start nothing
 * on this machine.
 */
export async function startLocalService(serverless: Serverless, options: Options): Promise<void> {
  const { provider, functions } = serverless.service;
  const { port, address, origins } = await listening(serverless, options);
  const storage = await completeStage(serverless, origins);
  for (const definition of Object.values(functions)) {
    // The simulator loads TypeScript as it is; only a deployment is bundled.
    definition.skipEsbuild = true;
    // Of the other events the simulator knows some, such as schedules.
    definition.events = definition.events.filter((event) => "httpApi" in event);
  }
  provider.environment.PUBLIC_URL ||= address;
  answerAsDeployed(port);
  // The simulator's second port invokes any function, and allows any origin.
  refuseWebPages(origins, (server) => (server.address() as AddressInfo | null)?.port !== port);
  endWithNpm();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void storage.close());
  void accepting(port).then(() =>
    announce({ address, storage: storage.description, environment: provider.environment }),
  );
}

/** Ends the service with `npm start` or `npx`, also where that is killed and cannot tell. */
function endWithNpm(): void {
  if (!["start", "npx"].includes(process.env.npm_lifecycle_event ?? "")) return;
  const npm = process.ppid;
  const check = () => void (process.ppid !== npm && process.kill(process.pid, "SIGTERM"));
  setInterval(check, 1_000).unref();
}
